"""Superposition and sparse autoencoders, replicated: what `pipeline/` and `paper/` call."""

import os

# Before torch loads OpenMP: its threads wait for each other in a loop, and on a machine with other
# work that loop takes the very core the slower one needs (measured: up to 10 times slower).
os.environ.setdefault("GOMP_SPINCOUNT", "2000")
