"""An OpenAI-compatible server on loopback with real engines, for development without a key."""
