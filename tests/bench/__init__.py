"""Ours and its peers on the same work and the same Redis, in turn.

    python -m tests.bench                 # everything; some twenty minutes
    python -m tests.bench --quick         # ours, huey and dramatiq against the limits; a minute
    python -m tests.bench --only preppath,rq  # systems with one of these in their name

The first run installs each peer into a virtual environment of its own, below `.bench/`.
"""
