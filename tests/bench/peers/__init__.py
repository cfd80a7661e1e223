"""One module per system, all with the same command line; see `driver`. Each runs in its own environment,
which has that system and none of our dependencies."""
