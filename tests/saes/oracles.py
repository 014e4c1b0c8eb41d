"""The loss of every architecture written out: one input's numbers after another's, all stored.

In the papers' units: inputs, biases and activations of `l1_april`, `gated` and `jumprelu` are
divided by the unit here, where the library leaves inputs and activations as they are.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from superposition.saes.base import SAE

Parameters = dict[str, Tensor]


def loss(sae: SAE, x: Tensor, dead: Tensor) -> tuple[Tensor, Parameters]:
    """The total loss at the end of training, and the copies of the parameters it depends on."""
    p = {name: each.detach().clone().requires_grad_() for name, each in sae.named_parameters()}
    return ORACLES[sae.config.arch](p, x / sae.unit(), dead, sae.config), p


def l1(p: Parameters, x: Tensor, dead: Tensor, config: Any) -> Tensor:
    f = ((x - p["b_dec"]) @ p["W_enc"] + p["b_enc"]).relu()
    error = (x - f @ p["W_dec"] - p["b_dec"]).square().mean()
    return error + config.l1_coefficient * f.sum(-1).mean()


def l1_april(p: Parameters, x: Tensor, dead: Tensor, config: Any) -> Tensor:
    f = (x @ p["W_enc"] + p["b_enc"]).relu()
    error = (x - f @ p["W_dec"] - p["b_dec"]).square().sum(-1).mean()
    return error + config.l1_coefficient * (f * p["W_dec"].norm(dim=1)).sum(-1).mean()


def gated(p: Parameters, x: Tensor, dead: Tensor, config: Any) -> Tensor:
    linear = (x - p["b_dec"]) @ p["W_enc"]
    gate = linear + p["b_enc"]
    f = (gate > 0) * (p["r_mag"].exp() * linear + p["b_mag"]).relu()
    x_hat = f @ p["W_dec"] + p["b_dec"]
    frozen = gate.relu() @ p["W_dec"].detach() + p["b_dec"].detach()
    errors = (x - x_hat).square().sum(-1).mean() + (x - frozen).square().sum(-1).mean()
    return errors + config.l1_coefficient * gate.relu().sum(-1).mean()


def jumprelu(p: Parameters, x: Tensor, dead: Tensor, config: Any) -> Tensor:
    z = (x - p["b_dec"]) @ p["W_enc"] + p["b_enc"]
    theta, width = p["threshold"].detach(), config.bandwidth
    kernel = ((z.detach() - theta) / width).abs() < 1 / 2
    # Zero, with the gradient that is wanted.
    moved = p["threshold"] - theta
    f = z * (z > theta) + moved * (-theta / width * kernel)
    active = (z > theta) + moved * (-1 / width * kernel)
    error = (x - f @ p["W_dec"] - p["b_dec"]).square().sum(-1).mean()
    l0 = active.sum(-1).mean()
    return error + config.l0_coefficient * (l0 / config.target_l0 - 1) ** 2


def topk(p: Parameters, x: Tensor, dead: Tensor, config: Any) -> Tensor:
    z = (x - p["b_dec"]) @ p["W_enc"] + p["b_enc"]
    f = torch.stack([each * among_largest(each, config.k) for each in z]).relu()
    error = x - f @ p["W_dec"] - p["b_dec"]
    return error.square().mean() + auxiliary(p, x, error, dead, config)


def batch_topk(p: Parameters, x: Tensor, dead: Tensor, config: Any) -> Tensor:
    z = (x - p["b_dec"]) @ p["W_enc"] + p["b_enc"]
    f = (z * among_largest(z, config.k * len(x))).relu()
    error = x - f @ p["W_dec"] - p["b_dec"]
    return error.square().mean() + auxiliary(p, x, error, dead, config)


def matryoshka(p: Parameters, x: Tensor, dead: Tensor, config: Any) -> Tensor:
    z = (x - p["b_dec"]) @ p["W_enc"] + p["b_enc"]
    f = (z * among_largest(z, config.k * len(x))).relu()
    losses, error = [], x
    for share in config.prefixes:
        m = round(share * config.d_sae)
        error = x - f[:, :m] @ p["W_dec"][:m] - p["b_dec"]
        losses.append(error.square().mean())
    return sum(losses) / len(losses) + auxiliary(p, x, error, dead, config)


def auxiliary(p: Parameters, x: Tensor, error: Tensor, dead: Tensor, config: Any) -> Tensor:
    f = ((x - p["b_dec"]) @ p["W_enc"] + p["b_enc"]).relu() * dead
    f = torch.stack([each * among_largest(each, config.k_aux) for each in f])
    loss = (f @ p["W_dec"] - error.detach()).square().mean()
    return config.aux_coefficient * loss * bool(dead.any())


def among_largest(values: Tensor, n: int) -> Tensor:
    """Which of all `values` are among the n largest."""
    order = values.detach().flatten().argsort(descending=True, stable=True)
    mask = torch.zeros(values.numel(), dtype=torch.bool)
    mask[order[:n]] = True
    return mask.view(values.shape)


ORACLES: dict[str, Callable[[Parameters, Tensor, Tensor, Any], Tensor]] = {
    each.__name__: each for each in (l1, l1_april, gated, jumprelu, topk, batch_topk, matryoshka)
}
