"""Format, duration and parts of audio files."""
