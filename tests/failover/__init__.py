"""Fail over the Redis of running workers and producers, and count what was lost, run twice and paid twice.

    python -m tests.failover            # 70 failovers, some fifteen minutes
    python -m tests.failover --quick    # one of each kind whose outcome is certain, two minutes

Acknowledged jobs are those that a producer's call returned for; completed, run and paid is what handlers
wrote into a file.
"""
