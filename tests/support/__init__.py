"""Tools for development and tests: embedded servers, an OpenAI-compatible server, speech.

They need the extra `servers`. Nothing of the product imports them.
"""
