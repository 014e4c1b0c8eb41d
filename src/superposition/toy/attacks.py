"""Small changes of the input that harm a toy model as much as they can: adversarial examples.

All models here are tied and have a ReLU at the output: x_hat = ReLU(W^T W x + b). An attack adds
d with |d| <= norm to the input, while the wanted output stays x. The harm is the sum over features
of (x_hat(x + d) - x)^2, minus that without an attack.
"""

import torch
from jaxtyping import Float
from torch import Generator, Tensor

N_STEPS = 40
"""Of the gradient attack; twice as many find about 1% more harm."""
STEP = 2.5 / N_STEPS
"""Length of a step relative to the attack's norm: enough to cross the ball and come back.
Source: Madry et al., "Towards Deep Learning Models Resistant to Adversarial Attacks"."""
CHUNK = 2**19
"""Numbers held at once while all attacks are tried, so that they stay in the cache."""


def feature_attacks(
    W: Float[Tensor, "*instance feature d_hidden"],
) -> Float[Tensor, "*instance attack feature"]:
    """The attack on each feature, of norm 1: (W^T W)_i / |(W^T W)_i|, and 0 if that has no length.

    Of all inputs of norm 1 it is the one that raises what output i receives the most.
    Source: Toy Models of Superposition, Superposition and Adversarial Robustness.
    """
    gram = W @ W.mT
    length = gram.norm(dim=-1, keepdim=True)
    return torch.where(length > 0, gram / length, 0)


def worst_feature_attack(
    W: Float[Tensor, "feature d_hidden"],
    b: Float[Tensor, " feature"],
    x: Float[Tensor, "batch feature"],
    *,
    norm: float,
) -> Float[Tensor, "batch feature"]:
    """For every sample the attack on a feature, of this norm, that harms the model most.

    Source: Toy Models of Superposition, Superposition and Adversarial Robustness.
    """
    attacks = norm * feature_attacks(W)
    effects = (attacks @ W) @ W.mT
    pre_acts = (x @ W) @ W.mT + b
    size = max(1, CHUNK // effects.numel())
    worst = [
        _harm_of_all(pre_acts[i : i + size], x[i : i + size], effects).argmax(1)
        for i in range(0, len(x), size)
    ]
    return attacks[torch.cat(worst)]


def gradient_attack(
    W: Float[Tensor, "feature d_hidden"],
    b: Float[Tensor, " feature"],
    x: Float[Tensor, "batch feature"],
    *,
    norm: float,
) -> Float[Tensor, "batch feature"]:
    """The most harmful attack that climbing the gradient of the loss comes across.

    Projected gradient ascent from the input itself, with steps of one length; where the gradient is
    0, it stays where it is. Source: Madry et al., "Towards Deep Learning Models Resistant to
    Adversarial Attacks".
    """
    attack = worst = torch.zeros_like(x)
    most = x.new_zeros(len(x))
    for _ in range(N_STEPS):
        gradient = input_gradient(W, b, x, attack)
        length = gradient.norm(dim=1, keepdim=True)
        attack = attack + torch.where(length > 0, gradient / length, 0) * (STEP * norm)
        length = attack.norm(dim=1, keepdim=True)
        attack = torch.where(length > norm, attack * (norm / length), attack)
        found = harm(W, b, x, attack)
        worst = torch.where((found > most)[:, None], attack, worst)
        most = torch.maximum(found, most)
    return worst


def random_attack(
    x: Float[Tensor, "batch feature"], *, norm: float, generator: Generator
) -> Float[Tensor, "batch feature"]:
    """A change of this norm in a random direction, for comparison."""
    direction = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
    return norm * direction / direction.norm(dim=1, keepdim=True)


def harm(
    W: Float[Tensor, "feature d_hidden"],
    b: Float[Tensor, " feature"],
    x: Float[Tensor, "batch feature"],
    attack: Float[Tensor, "batch feature"],
) -> Float[Tensor, " batch"]:
    """By how much the attack raises each sample's squared error, summed over features."""
    clean, attacked = (((y @ W) @ W.mT + b).relu() for y in (x, x + attack))
    return (attacked - x).square().sum(1) - (clean - x).square().sum(1)


def input_gradient(
    W: Float[Tensor, "feature d_hidden"],
    b: Float[Tensor, " feature"],
    x: Float[Tensor, "batch feature"],
    attack: Float[Tensor, "batch feature"],
) -> Float[Tensor, "batch feature"]:
    """The gradient of `harm` with respect to the attack: W^T W of the active outputs' errors."""
    pre_acts = ((x + attack) @ W) @ W.mT + b
    error = (pre_acts.relu() - x) * (pre_acts > 0)
    return 2 * (error @ W) @ W.mT


def _harm_of_all(pre_acts: Tensor, x: Tensor, effects: Tensor) -> Tensor:
    """The error under each attack, up to a number that does not depend on it: [batch attack]."""
    x_hat = (pre_acts[:, None] + effects).relu_()
    return (x_hat - 2 * x[:, None]).mul_(x_hat).sum(2)
