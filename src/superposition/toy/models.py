"""The toy models: n features squeezed into m hidden dimensions, many instances at once."""

import math
from typing import Literal

import torch
from einops import einsum
from jaxtyping import Float
from torch import Generator, Tensor, nn

Output = Literal["relu", "linear", "gelu"]
Hidden = Literal["linear", "relu"]
Target = Literal["identity", "absolute"]


class ToyModel(nn.Module):
    """x_hat = ReLU(W^T W x + b) and its relatives: `n_instances` of them, trained together.

    Source: Toy Models of Superposition, Experiment Setup. Row `W[instance, i]` is the direction of
    feature i (the paper's column W_i). With `W_out` the model is untied, with `b_hidden` its hidden
    layer has a bias, and with hidden="relu" a ReLU (Privileged Basis, Computation).
    """

    def __init__(
        self,
        W: Float[Tensor, "instance feature d_hidden"],
        b: Float[Tensor, "instance feature"],
        *,
        output: Output,
        hidden: Hidden = "linear",
        target: Target = "identity",
        W_out: Float[Tensor, "instance feature d_hidden"] | None = None,
        b_hidden: Float[Tensor, "instance d_hidden"] | None = None,
    ) -> None:
        super().__init__()
        self.W = nn.Parameter(W)
        self.b = nn.Parameter(b)
        self.W_out = None if W_out is None else nn.Parameter(W_out)
        self.b_hidden = None if b_hidden is None else nn.Parameter(b_hidden)
        self.output: Output = output
        self.hidden_activation: Hidden = hidden
        self.target: Target = target

    @property
    def n_instances(self) -> int:
        """How many models there are."""
        return self.W.shape[0]

    @property
    def out(self) -> Tensor:
        """The weights out of the hidden layer, [instance feature d_hidden]."""
        return self.W if self.W_out is None else self.W_out

    def hidden(
        self, x: Float[Tensor, "batch instance feature"]
    ) -> Float[Tensor, "batch instance d_hidden"]:
        """The hidden state h = W x, with the hidden layer's bias and ReLU if it has them."""
        h = einsum(
            x,
            self.W,
            "batch instance feature, instance feature d_hidden -> batch instance d_hidden",
        )
        if self.b_hidden is not None:
            h = h + self.b_hidden
        return h.relu() if self.hidden_activation == "relu" else h

    def forward(
        self, x: Float[Tensor, "batch instance feature"]
    ) -> Float[Tensor, "batch instance feature"]:
        """The reconstruction x_hat."""
        pre_acts = self.b + einsum(
            self.hidden(x),
            self.out,
            "batch instance d_hidden, instance feature d_hidden -> batch instance feature",
        )
        match self.output:
            case "relu":
                return pre_acts.relu()
            case "gelu":
                return nn.functional.gelu(pre_acts)
            case "linear":
                return pre_acts

    def loss(
        self,
        x: Float[Tensor, "batch instance feature"],
        importance: Float[Tensor, "*instance feature"],
    ) -> Float[Tensor, " instance"]:
        """The importance-weighted squared error of each instance, mean over batch and features.

        Source: Toy Models of Superposition, official notebook. Differs: the paper writes a sum over
        features, n_features times as much; the notebook also sums over instances.
        """
        wanted = x.abs() if self.target == "absolute" else x
        error = importance * (wanted - self(x)) ** 2
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
