"""Tools for development and tests: embedded servers, speech, helpers. The product does not import them.

They need the extra `servers`.
"""
