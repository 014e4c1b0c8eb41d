"""What the stages of text, transformers and autoencoders leave behind."""

from functools import cached_property

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

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


class ToyComparison(Artefacts):
    """Variants of an autoencoder on toy models: `toy_comparison/<row>`."""

    @cached_property
    def instances(self) -> pd.DataFrame:
        """One row per variant and instance."""
        return self.table("instances")

    @cached_property
    def features(self) -> pd.DataFrame:
        """One row per variant, instance and represented feature."""
        return self.table("features")

    @cached_property
    def latents(self) -> pd.DataFrame:
        """One row per variant, instance and latent."""
        return self.table("latents")

    @cached_property
    def trace(self) -> pd.DataFrame:
        """One row per variant, instance and traced step."""
        return self.table("trace")

    def paired(self, column: str) -> dict[str, Float[np.ndarray, " instance"]]:
        """A column of `instances` as numbers, by variant; equal places are the same instance."""
        ordered = self.instances.sort_values("instance", kind="stable")
        names = dict.fromkeys(self.instances["variant"].tolist())
        values = ordered[column].to_numpy(dtype=float)
        variant = ordered["variant"].to_numpy()
        return {name: values[variant == name] for name in names}


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


class Universality(Artefacts):
    """How alike the units of two autoencoders are: `universality/<row>`."""

    @cached_property
    def units(self) -> pd.DataFrame:
        """One row per unit of the first: its best match among those of the second."""
        return self.table("units")

    @cached_property
    def contexts(self) -> pd.DataFrame:
        """One row per context: the latent that detects it best, and its match."""
        return self.table("contexts")

    @cached_property
    def neighbours(self) -> pd.DataFrame:
        """Pairs of latents with similar decoder rows."""
        return self.table("neighbours")

    def of(self, kind: str) -> pd.DataFrame:
        """The units of one kind, `latent` or `neuron`."""
        return self.units.loc[self.units["kind"] == kind].reset_index(drop=True)


class Splitting(Artefacts):
    """Latents of several widths: `splitting`."""

    @cached_property
    def latents(self) -> pd.DataFrame:
        """One row per latent of each width and seed."""
        return self.table("latents")

    @cached_property
    def contexts(self) -> pd.DataFrame:
        """How many latents of each width and seed belong to each context."""
        return self.table("contexts")

    @cached_property
    def edges(self) -> pd.DataFrame:
        """Similar latents of one width and the next."""
        return self.table("edges")

    @cached_property
    def relatives(self) -> pd.DataFrame:
        """How many latents have a similar one at the next width."""
        return self.table("relatives")

    @cached_property
    def clusters(self) -> pd.DataFrame:
        """Whether the latents of a context point in similar directions."""
        return self.table("clusters")


class Automata(Artefacts):
    """Latents as states of a machine: `automata`."""

    @cached_property
    def states(self) -> pd.DataFrame:
        """One row per latent: its transition to itself, its best cycle of two."""
        return self.table("states")

    @cached_property
    def transitions(self) -> pd.DataFrame:
        """The strongest transitions of the latents of contexts."""
        return self.table("transitions")

    @cached_property
    def contexts(self) -> pd.DataFrame:
        """The best latent of each context."""
        return self.table("contexts")

    @cached_property
    def samples(self) -> pd.DataFrame:
        """Text sampled with a latent pinned, and without."""
        return self.table("samples")


class Text(Artefacts):
    """The corpus: `text`."""

    @cached_property
    def manifest(self) -> pd.DataFrame:
        """Where the text came from, package by package."""
        return self.table("manifest")
