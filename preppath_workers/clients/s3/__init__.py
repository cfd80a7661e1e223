"""Audio files in an S3 bucket."""
