"""One attempt at a job: what its handler may use, what it pays for, and how it ends."""
