"""A server that speaks OpenAI's API: enough of it for this project, over real HTTP, on loopback."""
