"""Clients of external services (OpenAI, S3, PostgreSQL, webhook receivers) and of ffmpeg."""
