"""OpenAI's API without engines: requests checked, responses and errors in its shapes."""
