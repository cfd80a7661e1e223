"""Fail over the Redis of running workers and producers, and count what was lost, run twice and paid twice.

    python -m tests.failover            # 60 failovers, some twelve minutes
    python -m tests.failover --quick    # one of each kind whose outcome is certain, two minutes

Acknowledged is what a producer was told; completed, run and paid is what handlers wrote into a file.
"""
