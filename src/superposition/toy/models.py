"""The toy models: n features squeezed into m hidden dimensions, many instances at once."""

import math
from typing import Literal

import torch
from einops import einsum, repeat
from jaxtyping import Float
from torch import Generator, Tensor, nn

Output = Literal["relu", "linear"]


class ToyModel(nn.Module):
    """x_hat = ReLU(W^T W x + b), or without the ReLU: `n_instances` of them, trained together.

    Source: Toy Models of Superposition, Experiment Setup. Row `W[instance, i]` is the direction of
    feature i (the paper's column W_i).
    """

    def __init__(
        self,
        W: Float[Tensor, "instance feature d_hidden"],
        b: Float[Tensor, "instance feature"],
        *,
        output: Output,
    ) -> None:
        super().__init__()
        self.W = nn.Parameter(W)
        self.b = nn.Parameter(b)
        self.output: Output = output

    @property
    def n_instances(self) -> int:
        """How many models there are."""
        return self.W.shape[0]

    def hidden(
        self, x: Float[Tensor, "batch instance feature"]
    ) -> Float[Tensor, "batch instance d_hidden"]:
        """The hidden state h = W x."""
        return einsum(
            x,
            self.W,
            "batch instance feature, instance feature d_hidden -> batch instance d_hidden",
        )

    def forward(
        self, x: Float[Tensor, "batch instance feature"]
    ) -> Float[Tensor, "batch instance feature"]:
        """The reconstruction x_hat."""
        pre_acts = self.b + einsum(
            self.hidden(x),
            self.W,
            "batch instance d_hidden, instance feature d_hidden -> batch instance feature",
        )
        return pre_acts.relu() if self.output == "relu" else pre_acts

    def loss(
        self,
        x: Float[Tensor, "batch instance feature"],
        importance: Float[Tensor, " feature"],
    ) -> Float[Tensor, " instance"]:
        """The importance-weighted squared error of each instance, mean over batch and features.

        Source: Toy Models of Superposition, official notebook. Differs: the paper writes a sum over
        features, n_features times as much; the notebook also sums over instances.
        """
        error = importance * (x - self(x)) ** 2
        return error.mean(dim=(0, 2))


def xavier_start(
    n_instances: int, n_features: int, d_hidden: int, *, generator: Generator
) -> Float[Tensor, "instance feature d_hidden"]:
    """Random weights with standard deviation sqrt(2 / (m (n + 1))).

    That is `xavier_normal_` on a tensor of one instance. Source: official notebook. Differs: the
    notebook applies it to all instances as one tensor, because of which their start would shrink
    with their number.
    """
    scale = math.sqrt(2 / (d_hidden * (n_features + 1)))
    shape = (n_instances, n_features, d_hidden)
    return scale * torch.randn(shape, generator=generator, device=generator.device)


def repeat_seeds(
    start: Float[Tensor, "seed feature d_hidden"], n_densities: int
) -> Float[Tensor, "instance feature d_hidden"]:
    """The same random starts at every density: instance = density * n_seeds + seed."""
    return repeat(
        start,
        "seed feature d_hidden -> (density seed) feature d_hidden",
        density=n_densities,
    ).contiguous()
