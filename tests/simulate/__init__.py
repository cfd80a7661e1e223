"""A queue's whole life in virtual time: the real scripts and slots, with crashes wherever one can think of.

Every step is drawn from one seed, so a run that breaks a promise can be played again, move by move:

    python -m tests.simulate --seeds 10000
    python -m tests.simulate --seed 4711
    python -m tests.simulate --mutants
"""
