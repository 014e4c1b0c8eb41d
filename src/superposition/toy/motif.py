"""Asymmetric superposition: one neuron for two features with unequal weights, another to inhibit.

A neuron that takes in W = [a, -1/a] and gives out [1/a, a] returns the positive side of a strong
feature and the negative side of a weak one. The weak feature hardly disturbs the output of the
strong one, by 1/a^2; the strong one disturbs that of the weak one by a^2, and there another neuron
inhibits. Too much inhibition does no harm, because the output's ReLU cuts it off.
Source: Toy Models of Superposition, The Asymmetric Superposition Motif, with a = 2.
"""

from collections.abc import Iterator
from itertools import permutations
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

ASYMMETRY = 2.0
"""Ratio of the weights in the paper's example: W = [2, -1/2]."""
HELD_GAIN = 0.25
"""Weight in times weight out above which a neuron holds a side of a feature: for tied weights, the
square of the norm at which a feature counts as represented."""
UNEQUAL = 2.0
"""Ratio of the weights into a neuron above which they are unequal."""
RECIPROCAL = 2.0
"""Largest factor by which the product of the ratios in and out may differ from 1."""
INHIBITED = 0.5
"""Smallest share of the disturbance that the inhibiting neuron must take away."""
GRID = 400
"""Points of numerical integration in each direction."""

Outputs = tuple[np.ndarray, np.ndarray]
Weights = Float[np.ndarray, "feature d_hidden"]


class Circuit(NamedTuple):
    """Four neurons for the absolute values of a strong feature s and a weak feature w.

    ReLU(a s - w/a) serves both outputs and ReLU(s) inhibits that of w; ReLU(-s) and ReLU(w) are
    the other sides, each to its own output with weight 1.
    """

    name: str
    asymmetry: float
    """a: 1 stores both features with equal weights."""
    inhibition: float
    """Weight, taken as negative, from ReLU(s) to the output of w; a^2 cancels the disturbance."""

    def outputs(self, strong: np.ndarray, weak: np.ndarray) -> Outputs:
        """The estimates of |s| and |w|."""
        a = self.asymmetry
        shared = np.maximum(a * strong - weak / a, 0)
        inhibited = a * shared - self.inhibition * np.maximum(strong, 0)
        first = shared / a + np.maximum(-strong, 0)
        return first, np.maximum(inhibited + np.maximum(weak, 0), 0)

    def loss(self, p: float) -> float:
        """Expected squared error of both outputs at density p, by the midpoint rule."""
        points = (2 * np.arange(GRID) + 1) / GRID - 1
        x = np.concatenate([[0.0], points])
        weight = np.concatenate([[1 - p], np.full(GRID, p / GRID)])
        strong, weak = np.meshgrid(x, x, indexing="ij")
        first, second = self.outputs(strong, weak)
        error = (np.abs(strong) - first) ** 2 + (np.abs(weak) - second) ** 2
        return float(weight @ error @ weight)


CIRCUITS = (
    Circuit("equal weights", 1.0, 0.0),
    Circuit("equal weights, inhibition", 1.0, 1.0),
    Circuit("unequal weights", ASYMMETRY, 0.0),
    Circuit("unequal weights, inhibition", ASYMMETRY, ASYMMETRY**2),
)
"""The motif, last, and what is left of it without either of its parts."""


class Motif(NamedTuple):
    """One occurrence in trained weights."""

    neuron: int
    """Holds both features."""
    inhibitor: int
    """The neuron that takes away most of the disturbance."""
    strong: int
    """The feature with the larger weight in."""
    weak: int
    """The feature with the smaller weight in."""
    asymmetry: float
    """Ratio of the weights into the neuron."""
    inhibition: float
    """What the inhibitor takes away as a share of the disturbance; above 1 it is too much."""


def find(W: Weights, W_out: Weights) -> list[Motif]:
    """Every occurrence: unequal weights in, reciprocal weights out, and a neuron that inhibits.

    At most one for each neuron and ordered pair of features, with the strongest inhibitor.
    """
    held = held_features(W, W_out)
    found = (_inhibited(W, W_out, *pair) for pair in _unequal_pairs(W, W_out, held))
    return [motif for motif in found if motif.inhibition >= INHIBITED]


def held_features(W: Weights, W_out: Weights) -> Bool[np.ndarray, "feature d_hidden"]:
    """Which features each neuron both takes in and gives out, as itself."""
    return np.abs(W) * W_out > HELD_GAIN


def shuffled_counts(
    W: Weights, W_out: Weights, *, n_shuffles: int, seed: int
) -> Float[np.ndarray, " shuffle"]:
    """How many motifs there are by chance: each neuron's outgoing weights shuffled.

    Only among features that the neuron does not hold, so that the unequal pairs stay and the
    inhibition is left to chance.
    """
    rng = np.random.default_rng(seed)
    held = held_features(W, W_out)
    counts = []
    for _ in range(n_shuffles):
        mixed = W_out.copy()
        for neuron in range(W.shape[1]):
            free = np.flatnonzero(~held[:, neuron])
            mixed[free, neuron] = W_out[rng.permutation(free), neuron]
        counts.append(float(len(find(W, mixed))))
    return np.array(counts)


def responses(n_points: int = 41) -> pd.DataFrame:
    """What each of `CIRCUITS` gives out if only one of its two features is active.

    Columns: circuit, active (strong or weak), x, output (strong or weak), y, wanted.
    """
    x = np.linspace(-1, 1, n_points)
    parts = []
    for circuit in CIRCUITS:
        for active, inputs in (("strong", (x, 0 * x)), ("weak", (0 * x, x))):
            for output, y in zip(("strong", "weak"), circuit.outputs(*inputs), strict=True):
                wanted = np.abs(x) if output == active else 0 * x
                columns = {"circuit": circuit.name, "active": active, "x": x, "output": output}
                parts.append(pd.DataFrame(columns | {"y": y, "wanted": wanted}))
    return pd.concat(parts, ignore_index=True)


def losses(densities: tuple[float, ...]) -> pd.DataFrame:
    """The expected loss of `CIRCUITS`: circuit, feature_probability, loss."""
    rows = [(circuit.name, p, circuit.loss(p)) for p in densities for circuit in CIRCUITS]
    return pd.DataFrame(rows, columns=["circuit", "feature_probability", "loss"])


def _unequal_pairs(W: Weights, W_out: Weights, held: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """Neuron, strong and weak feature, where the weights are unequal in and reciprocal out."""
    for neuron in np.flatnonzero(held.sum(axis=0) > 1):
        features = np.flatnonzero(held[:, neuron])
        for strong, weak in permutations(features.tolist(), 2):
            into = abs(W[strong, neuron] / W[weak, neuron])
            product = into * W_out[strong, neuron] / W_out[weak, neuron]
            if into > UNEQUAL and 1 / RECIPROCAL <= product <= RECIPROCAL:
                yield int(neuron), strong, weak


def _inhibited(W: Weights, W_out: Weights, neuron: int, strong: int, weak: int) -> Motif:
    """The neuron that inhibits the weak feature most, on the side on which the strong one fires."""
    disturbance = abs(W[strong, neuron]) * W_out[weak, neuron]
    into = np.maximum(np.sign(W[strong, neuron]) * W[strong], 0)
    taken = into * np.maximum(-W_out[weak], 0) / disturbance
    taken[neuron] = 0
    inhibitor = int(taken.argmax())
    asymmetry = abs(W[strong, neuron] / W[weak, neuron])
    return Motif(neuron, inhibitor, strong, weak, float(asymmetry), float(taken[inhibitor]))
