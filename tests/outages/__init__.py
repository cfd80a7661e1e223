"""Services that fail and come back, under load: real processes, real servers, and a table of what became of
the jobs.

    python -m tests.outages            # every case, half an hour
    python -m tests.outages --quick    # some of them, under three minutes
    python -m tests.outages --only postgresql/stalled/2
"""
