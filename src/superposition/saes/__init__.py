"""Sparse autoencoders: one architecture per file, one training loop for all of them."""
