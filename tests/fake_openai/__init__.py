"""An OpenAI-compatible server on loopback, over real HTTP: as much of the API as this project uses."""
