"""Three supervisors on two sets of queues, jobs of every kind, and processes and servers that keep dying.

    python -m tests.soak            # a quarter of an hour: 50,000 jobs
    python -m tests.soak --short    # under a minute

The result is checked against a file in which handlers note what they do, not against Redis.
"""
