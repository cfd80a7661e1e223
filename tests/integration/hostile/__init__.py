"""Hostile input: it is refused or tolerated, loses no job, and reveals no secret."""
