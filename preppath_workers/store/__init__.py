"""What a queue is in Redis, and how it changes."""
