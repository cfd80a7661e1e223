"""Each transition of a queue × each fault that its command can meet on the way × whether the caller survives.

Processes are real, and so is the server, which writes to disk. A proxy between them stops exactly the chosen
command.

    python -m tests.crash_matrix
    python -m tests.crash_matrix --only settle_and_fetch
"""
