"""What the stages of text, transformers and autoencoders leave behind."""

from functools import cached_property

import numpy as np
import pandas as pd
from jaxtyping import Int

from superposition.artefacts.core import Artefacts


class ToySae(Artefacts):
    """Autoencoders on the hidden states of toy models: `toy_sae/<row>`."""

    @cached_property
    def history(self) -> pd.DataFrame:
        """Training curves per instance."""
        return self.table("history")

    @cached_property
    def recovery(self) -> pd.DataFrame:
        """One row per instance and toy feature: the latent that matches it best."""
        return self.table("recovery")

    @cached_property
    def weights(self) -> dict[str, np.ndarray]:
        """W_enc, W_dec, b_enc, b_dec with a leading instance axis."""
        return self.tensors("weights")

    @cached_property
    def recovered(self) -> Int[np.ndarray, " instance"]:
        """Features recovered by each instance."""
        wide = self.recovery.pivot(index="instance", columns="feature", values="recovered")
        return wide.to_numpy(dtype=np.int64).sum(axis=1)


class Transformer(Artefacts):
    """A language model: `transformer/<row>`."""

    @cached_property
    def history(self) -> pd.DataFrame:
        """The training curve."""
        return self.table("history")


class Sae(Artefacts):
    """An autoencoder on MLP activations: `sae/<row>`."""

    @cached_property
    def history(self) -> pd.DataFrame:
        """The training curve."""
        return self.table("history")


class Evaluation(Artefacts):
    """How good an autoencoder is on held-out text: `evaluation/<row>`."""

    @cached_property
    def latents(self) -> pd.DataFrame:
        """One row per latent: density, largest activation, cosines."""
        return self.table("latents")


class Sweep(Artefacts):
    """Autoencoders of several widths, levels of sparsity and seeds: `sweep/<row>`."""

    @cached_property
    def points(self) -> pd.DataFrame:
        """One row per autoencoder: what it came to on held-out text."""
        return self.table("points")

    @cached_property
    def latents(self) -> pd.DataFrame:
        """One row per latent of each autoencoder."""
        return self.table("latents")

    @cached_property
    def history(self) -> pd.DataFrame:
        """The training curves."""
        return self.table("history")


class Features(Artefacts):
    """What the latents of an autoencoder mean: `features/<row>`."""

    @cached_property
    def examples(self) -> pd.DataFrame:
        """Contexts over the whole range of activations."""
        return self.table("examples")

    @cached_property
    def logits(self) -> pd.DataFrame:
        """The tokens each latent makes more and less likely."""
        return self.table("logits")

    @cached_property
    def neurons(self) -> pd.DataFrame:
        """The neurons with the largest coefficients."""
        return self.table("neurons")

    @cached_property
    def latents(self) -> pd.DataFrame:
        """The latents chosen, and what they prefer."""
        return self.table("latents")


class Concepts(Artefacts):
    """What every held-out token is: `concepts`."""

    @cached_property
    def catalogue(self) -> pd.DataFrame:
        """One row per concept: its rule, how frequent it is, whether the token gives it away."""
        return self.table("catalogue")


class Text(Artefacts):
    """The corpus: `text`."""

    @cached_property
    def manifest(self) -> pd.DataFrame:
        """Where the text came from, package by package."""
        return self.table("manifest")
