"""The processes: a supervisor, its workers and its janitor."""
