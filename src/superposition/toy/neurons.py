"""What the neurons of a toy model hold, where a ReLU in the hidden layer makes them neurons.

With such a ReLU the hidden layer can no longer be rotated, and every entry of W says how much one
neuron has to do with one feature.
Source: Toy Models of Superposition, Superposition in a Privileged Basis; Computation in
Superposition.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

HELD = 0.3
"""Weight above which a neuron holds a feature, in models that reproduce their input: between the
interference that survives training, below 0.1, and weights that return a feature, near 0.5 to 1."""

POLYSEMANTIC = 0.2
"""Second largest weight relative to the largest above which a neuron of a model that computes
absolute values is polysemantic. Differs: the paper judges by eye."""

COMPUTED = 0.75
"""R^2 above which the absolute value of a feature counts as computed: halfway between one side of
it, which alone gives 1/2, and both."""

MONOSEMANTIC_PUBLISHED = {0.75: 5, 0.35: 3, 0.15: 2, 0.1: 1, 0.06: 0, 0.02: 0, 0.01: 0}
"""Monosemantic neurons of the paper's best models of ten features in five neurons, by density.
Differs: 0.1 lies between two ranges of the paper, with 1 and 0; the others are inside of one."""

ACTIVE_SAMPLES = 200
"""Samples in which a feature is active on average, enough for an R^2 good to a few
hundredths."""

Weights = Float[np.ndarray, "*instance feature d_hidden"]


class Regime(NamedTuple):
    """A range of densities in which the paper's best models look alike."""

    low: float
    """Lowest density."""
    high: float
    """Highest density."""
    densities: str
    """The range in words."""
    arrangement: str
    """What the models look like."""
    n_monosemantic: int
    """Neurons of the five with a feature of their own."""


REGIMES = (
    Regime(0.5, 1.0, "p from 0.5", "all neurons monosemantic", 5),
    Regime(0.2, 0.5, "p from 0.2 to 0.5", "three features in two neurons", 3),
    Regime(0.14, 0.16, "p = 0.15", "five features in three neurons", 2),
    Regime(0.11, 0.13, "p = 0.12", "six features in four neurons", 1),
    Regime(0.05, 0.08, "p from 0.05 to 0.08", "eight features in five neurons", 0),
    Regime(0.01, 0.04, "p up to 0.04", "pairs of neurons share features", 0),
)
"""Of ten features with importance 0.75^i in five neurons. Source: Toy Models of Superposition,
Visualizing Superposition in Terms of Neurons."""


class Layers(NamedTuple):
    """Weights into and out of the hidden layer."""

    W: Weights
    """Into it."""
    W_out: Weights
    """Out of it."""


def alignment(W: Weights) -> Float[np.ndarray, "*instance d_hidden"]:
    """How much of each neuron belongs to one feature: max_i |W_ik| / |W_k|, 1 if all of it.

    A neuron that holds k features equally has 1/sqrt(k); one without any weight has 0.

    >>> alignment(np.array([[3.0, 1.0], [4.0, 0.0]])).tolist()
    [0.8, 1.0]
    """
    length = np.linalg.norm(W, axis=-2)
    return np.abs(W).max(axis=-2) / np.where(length > 0, length, 1)


def rotated_alignment(
    W: Float[np.ndarray, "feature d_hidden"], *, n_rotations: int, seed: int
) -> Float[np.ndarray, " rotation"]:
    """Mean alignment of the same directions in a hidden layer that is rotated at random.

    Rotations are uniform: the orthogonal factor of a Gaussian matrix, with the signs of R fixed.
    """
    shape = (n_rotations, W.shape[1], W.shape[1])
    Q, R = np.linalg.qr(np.random.default_rng(seed).normal(size=shape))
    uniform = Q * np.sign(np.diagonal(R, axis1=1, axis2=2))[:, None, :]
    return alignment(W @ uniform).mean(axis=-1)


def n_held(W: Weights, *, threshold: float = HELD) -> Int[np.ndarray, "*instance d_hidden"]:
    """The number of features that each neuron holds."""
    return (np.abs(W) > threshold).sum(axis=-2)


def n_monosemantic(
    W: Float[np.ndarray, "instance feature d_hidden"], *, threshold: float = HELD
) -> Int[np.ndarray, " instance"]:
    """The number of neurons that hold exactly one feature."""
    return (n_held(W, threshold=threshold) == 1).sum(axis=-1)


def rescaled(W: Weights, W_out: Weights) -> Layers:
    """The same function with the largest weight into each neuron scaled to 1.

    ReLU(a h) = a ReLU(h) for a > 0, so weights out are scaled inversely. A neuron without weights
    into it stays as it is. Exact only without a bias in the hidden layer.
    Source: Toy Models of Superposition, Computation in Superposition, the note on rescaling.
    """
    largest = np.abs(W).max(axis=-2, keepdims=True)
    scale = np.where(largest > 0, largest, 1)
    return Layers(W / scale, W_out * scale)


def second_largest(W: Weights) -> Float[np.ndarray, "*instance d_hidden"]:
    """The second largest weight into each neuron relative to its largest: 0 if it has only one."""
    ordered = np.sort(np.abs(rescaled(W, W).W), axis=-2)
    return ordered[..., -2, :]


def polysemantic(
    W: Weights, *, threshold: float = POLYSEMANTIC
) -> Bool[np.ndarray, "*instance d_hidden"]:
    """Whether each neuron takes in a second feature with more than `threshold` of the largest."""
    return second_largest(W) > threshold


def main_feature(W: Weights) -> Int[np.ndarray, "*instance d_hidden"]:
    """The feature with the largest weight into each neuron."""
    return np.abs(W).argmax(axis=-2)


def variance_explained(
    W: Float[np.ndarray, "feature d_hidden"],
    W_out: Float[np.ndarray, "feature d_hidden"],
    b: Float[np.ndarray, " feature"],
    *,
    feature_probability: float,
    n_samples: int,
    seed: int,
) -> Float[np.ndarray, " feature"]:
    """R^2 of each output as an estimate of |x_i|: 1 - <(|x_i| - y_i)^2> / var |x_i|.

    y = ReLU(W_out ReLU(W x) + b); each x_i is 0 with probability 1 - p, otherwise uniform in
    [-1, 1]. There are more samples than `n_samples` where a feature would be active in fewer than
    `ACTIVE_SAMPLES`.
    """
    p = feature_probability
    rng = np.random.default_rng(seed)
    n_blocks = math.ceil(max(1, ACTIVE_SAMPLES / p / n_samples))
    error, first, second = np.zeros((3, len(W)))
    for _ in range(n_blocks):
        u = rng.random((n_samples, len(W)), dtype=np.float32) / np.float32(p)
        x = np.where(u < 1, 1 - 2 * u, 0)
        y = np.maximum(np.maximum(x @ W, 0) @ W_out.T + b, 0)
        error += ((np.abs(x) - y) ** 2).sum(axis=0)
        first += np.abs(x).sum(axis=0)
        second += (x**2).sum(axis=0)
    return 1 - error / (second - first**2 / (n_blocks * n_samples))


def share_above_zero(
    W: Float[np.ndarray, "feature d_hidden"],
    b_hidden: Float[np.ndarray, " d_hidden"],
    *,
    feature_probability: float,
    n_samples: int,
    seed: int,
) -> float:
    """How often neurons are where their ReLU does nothing: the share of W x + b_hidden above 0.

    Over samples and neurons, for features that are 0 with probability 1 - p and otherwise uniform
    in [0, 1]. A neuron without bias is at 0 exactly when no feature that it takes in is active.
    """
    rng = np.random.default_rng(seed)
    x = rng.random((n_samples, len(W))) * (rng.random((n_samples, len(W))) < feature_probability)
    return float((x @ W + b_hidden > 0).mean())
