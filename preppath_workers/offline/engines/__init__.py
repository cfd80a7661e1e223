"""The engines: speech recognition, speech, sentence embeddings, and grading. Independent of OpenAI's API."""
