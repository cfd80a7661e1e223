"""One module a system, each with the same command line; see `driver`. Each runs in an environment of its own,
which has that system and nothing of ours."""
