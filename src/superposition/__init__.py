"""Superposition and sparse autoencoders, replicated: the library behind `pipeline/` and `paper/`."""
