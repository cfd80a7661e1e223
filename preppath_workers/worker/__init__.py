"""What runs: the supervisor, its workers and its janitor."""
