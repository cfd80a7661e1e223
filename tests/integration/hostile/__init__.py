"""Hostile input: whatever comes in from outside is refused or borne, and nothing is lost or told by it."""
