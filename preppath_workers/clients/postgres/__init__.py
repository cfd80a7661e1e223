"""PrepPath's database."""
