"""Move slots and fail over nodes of a Redis Cluster while workers and producers use its queues.

    python -m tests.cluster            # five times each, some five minutes
    python -m tests.cluster --quick    # once each

Three primaries with a replica each, and a queue on every primary.
"""
