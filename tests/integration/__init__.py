"""Tests on real servers and with real processes."""
