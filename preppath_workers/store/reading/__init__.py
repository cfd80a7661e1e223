"""What a queue holds: reads that change nothing."""
