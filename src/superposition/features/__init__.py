"""What the latents of an autoencoder mean: examples, logit effects, neurons."""
