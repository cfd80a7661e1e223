"""The Realtime API of the OpenAI-compatible server: `GET /v1/realtime`, upgraded to a WebSocket."""
