"""Three supervisors on two sets of queues, jobs of every kind, and everything dies all the time.

    python -m tests.soak            # a quarter of an hour: 50,000 jobs
    python -m tests.soak --short    # under a minute

What became of the jobs is told by what their handlers wrote into a file, not by Redis.
"""
