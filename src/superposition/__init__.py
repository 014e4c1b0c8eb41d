"""Superposition and sparse autoencoders, replicated: what `pipeline/` and `paper/` call."""
