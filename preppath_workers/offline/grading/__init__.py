"""Grading of answers by similarity of meaning: a stand-in for a language model."""
