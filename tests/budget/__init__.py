"""The trial of ledger and budget; see README.md."""
