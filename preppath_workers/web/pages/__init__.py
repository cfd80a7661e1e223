"""The page for operators: HTML made on the server, usable without JavaScript."""
