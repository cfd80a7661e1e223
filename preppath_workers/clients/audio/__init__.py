"""What can be told of a recording, and cut out of it, without hearing it."""
