"""Every transition of a queue × everything that can happen to its one command on the way × whether the caller
lives on: real processes, a real server that writes to disk, and between them a proxy that stops exactly the
chosen command.

    python -m tests.crash_matrix
    python -m tests.crash_matrix --only settle_and_fetch
"""
