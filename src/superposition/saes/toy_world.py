"""What toy autoencoders are compared on: features with known directions, and their mixtures."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from einops import repeat
from jaxtyping import Float
from torch import Generator, Tensor

from superposition.saes.training import Source
from superposition.toy.geometry import REPRESENTED

N_JUDGED = 8_192
"""Inputs per instance by which an autoencoder is judged: at p = 0.05, 410 of each feature."""


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """The inputs of a comparison: which features occur together, and where the origin is."""

    feature_probability: float | None = None
    """Density of every feature; null: the one at which the toy models were trained."""
    copied: float = 0.0
    """Probability that a feature with an odd number occurs if and only if the one before it does.
    Source: ours, the simplest correlation that leaves densities alone."""
    offset: float = 0.0
    """Length of a fixed vector added to every input: where the data's centre lies."""
    n_batches: int | None = None
    """Batches after which the same ones come again; null: they never do."""
    turns: list[float] | None = None
    """Directions in the plane by hand, in whole turns, in place of the models' own."""
    n_copies: int = 1
    """Autoencoders for each toy model."""
    seed: int = 0
    """Of the inputs."""

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        if self.feature_probability is not None and not 0 < self.feature_probability <= 1:
            raise ValueError(f"feature_probability={self.feature_probability} is not in (0, 1]")
        if not 0 <= self.copied <= 1:
            raise ValueError(f"copied={self.copied} is not between 0 and 1")
        if self.offset < 0:
            raise ValueError(f"offset={self.offset} is negative")
        for name in ("n_batches", "n_copies"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise ValueError(f"{name}={value} is below 1")


class Sample(NamedTuple):
    """Inputs and what is in them."""

    x: Float[Tensor, "instance batch feature"]
    """Strength of each feature, 0 where it does not occur."""
    h: Float[Tensor, "instance batch d_hidden"]
    """The hidden state an autoencoder sees."""


@dataclass(frozen=True, kw_only=True)
class ToyWorld:
    """Features with directions W, each occurring with probability p, and the hidden states."""

    W: Float[Tensor, "instance feature d_hidden"]
    """Direction and length of each feature in each instance."""
    feature_probability: float
    """Density p of every feature."""
    data: DataConfig = field(default_factory=DataConfig)
    """How features occur."""

    @property
    def represented(self) -> Tensor:
        """Which features the toy model represents at all: |W_i| above 1/2, [instance feature]."""
        return self.W.norm(dim=-1) > REPRESENTED

    @property
    def l0(self) -> Float[Tensor, " instance"]:
        """Represented features per input, on average: p times their number."""
        return self.feature_probability * self.represented.sum(-1).double()

    @property
    def centre(self) -> Float[Tensor, " d_hidden"]:
        """The vector added to every input: `offset` times a fixed unit vector."""
        d_hidden = self.W.shape[-1]
        return torch.full((d_hidden,), self.data.offset / math.sqrt(d_hidden), dtype=self.W.dtype)

    def sample(self, batch_size: int, *, generator: Generator) -> Sample:
        """Inputs drawn by `generator`, which lies on the CPU so that every device sees the same."""
        n_instances, n_features, _ = self.W.shape
        shape = (n_instances, batch_size, n_features)
        u = torch.rand(shape, generator=generator, dtype=self.W.dtype)
        x = (1 - u / self.feature_probability).relu()
        if self.data.copied:
            x = self._copied(x, generator)
        x = x.to(self.W.device)
        return Sample(x, x @ self.W + self.centre.to(self.W.device))

    def source(self, batch_size: int) -> Source:
        """Hidden states, each batch a function of the seed and of its number."""

        def batches(first: int) -> Iterator[Float[Tensor, "instance batch d_hidden"]]:
            generator, number = Generator(), first
            while True:
                which = number if self.data.n_batches is None else number % self.data.n_batches
                generator.manual_seed(hash((self.data.seed, which)))
                yield self.sample(batch_size, generator=generator).h
                number += 1

        return batches

    def judged(self) -> Sample:
        """Inputs from another stream, by which autoencoders are judged."""
        seed = hash((self.data.seed, -1, N_JUDGED))
        return self.sample(N_JUDGED, generator=Generator().manual_seed(seed))

    def _copied(self, x: Tensor, generator: Generator) -> Tensor:
        """x with odd features that occur with the one before them, their strengths drawn anew."""
        even, odd = x[..., : x.shape[-1] // 2 * 2 : 2], x[..., 1::2]
        copies = torch.rand(odd.shape, generator=generator) < self.data.copied
        strength = 1 - torch.rand(odd.shape, generator=generator, dtype=x.dtype)
        x[..., 1::2] = torch.where(copies, (even > 0) * strength, odd)
        return x


def world(
    W: Float[Tensor, "model feature d_hidden"], probability: float, data: DataConfig
) -> ToyWorld:
    """The world of trained models `W`, which were trained at density `probability`."""
    if data.turns is not None:
        angles = math.tau * torch.tensor(data.turns, dtype=W.dtype)
        plane = torch.stack([angles.cos(), angles.sin()], dim=-1)
        W = plane.expand(len(W), -1, -1)
    p = probability if data.feature_probability is None else data.feature_probability
    copies = repeat(W, "model ... -> (model copy) ...", copy=data.n_copies)
    return ToyWorld(W=copies, feature_probability=p, data=data)
