"""Let the previous release and this one work the same queues, through rolling restarts under load.

    python -m tests.upgrade                # 10 rolling restarts, some two minutes
    python -m tests.upgrade --quick        # 3, half a minute
    python -m tests.upgrade --from v1.2.0  # another release than the first one with this layout

Needs the repository's history: the previous release's files are taken from it.
"""
