"""The exact loss of every model with two features and one dimension, without any training.

Output i sees only its own weight, the other one, and its bias, so that its part of the expected
loss is tabulated once over these three numbers. The loss at any density and importance is a sum of
tabulated parts, and its lowest value over the table is the true optimum, not the best of a few
candidates. Losses are the paper's, a sum over features.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

N_NODES = 32
"""Nodes of the quadrature over the other feature; over the feature itself it is exact."""
LARGEST_WEIGHT = 1.3
"""Weights in the table reach from minus this to this: optimal ones stay below 1.2."""
LARGEST_BIAS = 0.6
"""Biases in the table reach from minus this to this; the best one is p/2 or smaller."""


class Parts(NamedTuple):
    """The squared error of one output, by which features are present."""

    weights: Float[np.ndarray, " other"]
    """The other feature's weight, from negative to positive; the own one is its upper half."""
    empty: Float[np.ndarray, " bias"]
    """No feature present."""
    single: Float[np.ndarray, "own other bias"]
    """One present: the sum over which of the two it is."""
    both: Float[np.ndarray, "own other bias"]
    """Both present."""


class Optimum(NamedTuple):
    """The model with the lowest loss."""

    w1: float
    """Weight of the first feature, of importance 1; not negative."""
    w2: float
    """Weight of the extra feature, of importance r."""
    loss: float
    """Its expected loss."""


def tabulate(*, n_weights: int, n_biases: int) -> Parts:
    """The parts at `n_weights` own weights from 0 on and `n_biases` biases; one bias is 0."""
    weights = np.linspace(-LARGEST_WEIGHT, LARGEST_WEIGHT, 2 * n_weights - 1)
    own = weights[n_weights - 1 :, None, None]
    other = weights[None, :, None]
    bias = np.linspace(-LARGEST_BIAS, LARGEST_BIAS, n_biases) if n_biases > 1 else np.zeros(1)
    nodes, node_weights = np.polynomial.legendre.leggauss(N_NODES)
    single = np.broadcast_to(own_error(own**2, bias), (n_weights, len(weights), len(bias))).copy()
    both = np.zeros_like(single)
    for y, share in zip((nodes + 1) / 2, node_weights / 2, strict=True):
        leaked = own * other * y + bias
        single += share * np.maximum(leaked, 0) ** 2
        both += share * own_error(own**2, leaked)
    return Parts(weights, np.maximum(bias, 0) ** 2, single, both)


def own_error(
    slope: Float[np.ndarray, "*#grid"], shift: Float[np.ndarray, "*#grid"]
) -> Float[np.ndarray, "*#grid"]:
    """The mean of (x - ReLU(slope x + shift))^2 over x uniform in [0, 1], for a slope of 0 or more.

    Below the kink at -shift/slope the error is x, above it it is linear too.
    """
    slope, shift = np.broadcast_arrays(slope, shift)
    flat = np.where(shift > 0, 0.0, 1.0)
    kink = np.clip(np.divide(-shift, slope, out=flat, where=slope > 0), 0, 1)
    left = 1 - slope
    above = left**2 * (1 - kink**3) / 3 - left * shift * (1 - kink**2) + shift**2 * (1 - kink)
    return kink**3 / 3 + above


def output_loss(parts: Parts, p: float) -> Float[np.ndarray, "own other"]:
    """The expected squared error of one output at density `p`, with the best bias."""
    by_bias = (1 - p) ** 2 * parts.empty + p * (1 - p) * parts.single + p**2 * parts.both
    return by_bias.min(axis=-1)


def total_loss(
    output: Float[np.ndarray, "own other"], r: float
) -> Float[np.ndarray, "first extra"]:
    """The loss over w1 (not negative) and w2, from that of one output; (w1, w2) equals (-w1, -w2).

    The extra feature's output is the first one's with the roles exchanged.
    """
    n = len(output)
    first, extra = np.indices(output.shape)
    extra = extra - (n - 1)
    swapped = output[np.abs(extra), n - 1 + np.where(extra < 0, -first, first)]
    return output + r * swapped


def optimum(
    weights: Float[np.ndarray, " other"], loss: Float[np.ndarray, "first extra"]
) -> Optimum:
    """The lowest point of `total_loss`."""
    first, extra = np.unravel_index(loss.argmin(), loss.shape)
    own = weights[len(loss) - 1 :]
    return Optimum(float(own[first]), float(weights[extra]), float(loss[first, extra]))


def optima(
    parts: Parts, ps: Float[np.ndarray, " density"], rs: Float[np.ndarray, " importance"]
) -> pd.DataFrame:
    """The optimum at every point: feature_probability, relative_importance, w1, w2, loss."""
    rows = []
    for p in ps:
        output = output_loss(parts, float(p))
        rows += [(p, r, *optimum(parts.weights, total_loss(output, float(r)))) for r in rs]
    columns = ["feature_probability", "relative_importance", *Optimum._fields]
    return pd.DataFrame(rows, columns=columns)


def landscape(parts: Parts, p: float, r: float, *, stride: int) -> pd.DataFrame:
    """The loss over the whole plane of weights, at every `stride`-th one: w1, w2, loss."""
    half = total_loss(output_loss(parts, p), r)
    whole = np.concatenate([half[:0:-1, ::-1], half])[::stride, ::stride]
    w1, w2 = np.meshgrid(parts.weights[::stride], parts.weights[::stride], indexing="ij")
    return pd.DataFrame({"w1": w1.ravel(), "w2": w2.ravel(), "loss": whole.ravel()})
