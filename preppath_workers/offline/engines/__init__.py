"""The engines: speech recognition, speech and sentence embeddings. Independent of OpenAI's API."""
