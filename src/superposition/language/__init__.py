"""Text to tokens, to a one-layer transformer, to its activations."""
