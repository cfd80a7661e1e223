"""Tests without servers or processes."""
