"""The benchmark: preppath-workers and its peers do the same work on the same Redis, in turn.

    python -m tests.bench                 # everything; some twenty minutes
    python -m tests.bench --quick         # preppath-workers, huey, dramatiq and the limits; a minute
    python -m tests.bench --only preppath,rq  # systems with one of these in their name

The first run installs each peer into its own virtual environment below `.bench/`.
"""
