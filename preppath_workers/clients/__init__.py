"""Clients of the services outside: OpenAI, S3, PostgreSQL, webhook receivers, ffmpeg."""
