"""Why a neuron may stay polysemantic although nothing else competes for it: a model of one neuron.

One of four features is present, each as often as the others, and a single binary neuron has to tell
which. Cross-entropy does not ask that it means one thing.
"""

import math
from typing import NamedTuple

import torch

N_FEATURES = 4
"""Exclusive features. Source: Towards Monosemanticity, "Why not use architectural approaches?"."""
STEPS = 300
"""Of Adam, after which no loss moves in its sixth digit."""


class Optimum(NamedTuple):
    """The best cross-entropy with a neuron that is active on some of the features."""

    n_active: int
    """Features on which it is active."""
    closed_form: float
    """In nats: what follows from guessing evenly among the features that are left."""
    optimised: float
    """In nats: where gradient descent on the logits ends."""


def closed_form(n_active: int, *, n_features: int = N_FEATURES) -> float:
    """Cross-entropy in nats of a neuron active on a of n: (a ln a + (n - a) ln(n - a)) / n.

    The neuron halves nothing but the set of candidates, and within a half all are equally likely.
    Source: Towards Monosemanticity, "Why not use architectural approaches?": (3/4) ln 3 for one
    feature, ln 2 for two.

    >>> round(closed_form(1), 3), round(closed_form(2), 3)
    (0.824, 0.693)
    """
    sizes = (n_active, n_features - n_active)
    return sum(size * math.log(size) for size in sizes if size) / n_features


def optimum(n_active: int, *, n_features: int = N_FEATURES, seed: int) -> Optimum:
    """The best loss of a readout trained by gradient descent, beside the closed form.

    Logits are w h + b with h = 1 on the first `n_active` features and 0 on the others.
    """
    generator = torch.Generator().manual_seed(seed)
    w, b = (torch.randn(n_features, generator=generator).requires_grad_() for _ in range(2))
    h = (torch.arange(n_features) < n_active).float().unsqueeze(1)
    target = torch.arange(n_features)
    adam = torch.optim.Adam([w, b], lr=0.3)
    loss = torch.nn.functional.cross_entropy(h * w + b, target)
    for _ in range(STEPS):
        adam.zero_grad()
        loss = torch.nn.functional.cross_entropy(h * w + b, target)
        loss.backward()
        adam.step()
    return Optimum(n_active, closed_form(n_active, n_features=n_features), loss.item())
