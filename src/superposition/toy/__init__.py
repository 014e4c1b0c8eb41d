"""Toy models of superposition: small networks that hold more features than dimensions."""
