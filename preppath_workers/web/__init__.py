"""The page, the status API and metrics: an optional process, in the extra [web]. See README.md here."""
