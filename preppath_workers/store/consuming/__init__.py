"""What a worker does with a queue: fetch jobs and settle them."""
