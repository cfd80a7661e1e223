"""The offline provider with its real engines: `bin/test -m offline`."""
