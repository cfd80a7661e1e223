"""A queue's whole life in virtual time: the real scripts and consumers, with crashes at any point.

Every step is drawn from one seed, so a run that breaks an invariant can be played again, move by move:

    python -m tests.simulation --seeds 10000
    python -m tests.simulation --seed 4711
    python -m tests.simulation --mutants
"""
