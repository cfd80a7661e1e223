"""OpenAI, or servers that speak its API."""
