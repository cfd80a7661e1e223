"""The configuration: its model, and reading it from variables."""
