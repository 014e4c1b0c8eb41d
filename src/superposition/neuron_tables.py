"""Tables of what neurons hold, for the figures: of the best random start in each condition.

Neurons and features are numbered from 1, neurons in the order of their main feature.
"""

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from superposition.artefacts import Runs, Toy
from superposition.claims.measures_computation import CLEAR, above_zero, n_computed
from superposition.toy import geometry, motif, neurons

LEAST_SHOWN = 0.05
"""Weights smaller than this share of the largest of a model are left out of its stacks."""

Matrix = Float[np.ndarray, "feature d_hidden"]


def weights(toy: Toy, *, rescale: bool = False) -> pd.DataFrame:
    """Every weight: feature_probability, layer, neuron, feature, weight.

    `layer` is "in" or "out". With `rescale`, the largest weight into each neuron is 1.
    """
    return pd.concat([_weights(toy.at(p), rescale) for p in toy.densities], ignore_index=True)


def compared(**toys: Toy) -> pd.DataFrame:
    """Weights into the hidden layer of several experiments: column `model` has the names."""
    parts = [
        found.loc[found["layer"] == "in"].assign(model=name.replace("_", " "))
        for name, found in ((name, weights(toy)) for name, toy in toys.items())
    ]
    return pd.concat(parts, ignore_index=True)


def stacks(toy: Toy, *, rescale: bool = False) -> pd.DataFrame:
    """Weights into each neuron as rectangles on top of each other, negative ones downwards.

    Columns: feature_probability, neuron, feature, weight, low, high, kind (of the neuron). With
    `rescale` weights are relative to the largest and all go upwards.
    """
    return pd.concat([_stacks(toy.at(p), rescale) for p in toy.densities], ignore_index=True)


def monosemantic(toy: Toy) -> pd.DataFrame:
    """How many starts have how many neurons with one feature, at each density.

    Columns: feature_probability, n_monosemantic, starts, best (whether the best start has it).
    """
    rows = []
    for p in toy.densities:
        counts = neurons.n_monosemantic(toy.at(p).W)
        for count in sorted(set(counts.tolist())):
            rows.append((p, count, int((counts == count).sum()), bool(counts[0] == count)))
    return pd.DataFrame(rows, columns=["feature_probability", "n_monosemantic", "starts", "best"])


def escape(relu: Toy, biased: Toy, linear: Toy) -> pd.DataFrame:
    """Losses relative to the linear hidden layer, and how often neurons are above zero.

    Columns: feature_probability, hidden ("ReLU" or "ReLU and bias"), relative_loss, above_zero.
    """
    rows = [
        (p, name, float(runs.loss[0] / linear.at(p).loss[0]), float(above_zero(runs)[0]))
        for p in linear.densities
        for name, runs in (("ReLU", relu.at(p)), ("ReLU and bias", biased.at(p)))
    ]
    return pd.DataFrame(
        rows, columns=["feature_probability", "hidden", "relative_loss", "above_zero"]
    )


def polysemanticity(toy: Toy) -> pd.DataFrame:
    """One row a neuron: feature_probability, neuron, main_feature, second (its second weight)."""
    parts = []
    for p in toy.densities:
        W = toy.at(p).W[0]
        order = _order(W)
        columns = {
            "feature_probability": p,
            "neuron": np.arange(len(order)) + 1,
            "main_feature": neurons.main_feature(W)[order] + 1,
            "second": neurons.second_largest(W)[order].astype(float),
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def computed(toy: Toy) -> pd.DataFrame:
    """Counts by density: feature_probability, what (polysemantic neurons, ...), count."""
    rows = []
    for p in toy.densities:
        best = toy.at(p)
        n_polysemantic = int(neurons.polysemantic(best.W[0]).sum())
        rows.append((p, "polysemantic neurons", n_polysemantic))
        rows.append((p, "features computed", n_computed(best)))
    return pd.DataFrame(rows, columns=["feature_probability", "what", "count"])


def motifs(toy: Toy) -> pd.DataFrame:
    """The paper's example and the best inhibited motif found at each density, as small matrices.

    Columns: circuit, neuron (shared or inhibiting), weight_of (such as "strong, in"), weight.
    """
    example = np.array([[2, -0.5, 0.5, 2], [1, 0, 0, -4]])
    parts = [_motif("the paper's example", example)]
    for p in toy.densities:
        W, W_out = toy.at(p).W[0], toy.at(p).W_out[0]
        found = motif.find(W, W_out)
        if found:
            best = max(found, key=lambda one: (round(min(one.inhibition, 1), 1), one.asymmetry))
            parts.append(_motif(f"trained, p = {p:.2g}", _cut_out(W, W_out, best)))
    return pd.concat(parts, ignore_index=True)


def penalised(toy: Toy) -> pd.DataFrame:
    """One row a model: feature_probability, l1_coefficient, seed, measure, value.

    Measures: features represented, of these sharing a direction, and the reconstruction loss.
    """
    parts = []
    for p, l1 in toy.conditions[["feature_probability", "l1_coefficient"]].to_numpy():
        runs = toy.at(float(p), l1_coefficient=float(l1))
        represented = runs.norm > geometry.REPRESENTED
        measures = {
            "features represented": represented.sum(axis=1),
            "of these, in superposition": (represented & (runs.superposition > CLEAR)).sum(axis=1),
            "reconstruction loss": runs.loss,
        }
        for name, value in measures.items():
            columns = {"feature_probability": p, "l1_coefficient": l1, "seed": runs.seed}
            parts.append(pd.DataFrame(columns | {"measure": name, "value": value.astype(float)}))
    return pd.concat(parts, ignore_index=True)


def _weights(runs: Runs, rescale: bool) -> pd.DataFrame:
    W, W_out = runs.W[0], runs.W_out[0]
    if rescale:
        W, W_out = neurons.rescaled(W, W_out)
    order = _order(W)
    feature, neuron = np.indices(W.shape) + 1
    parts = []
    for layer, matrix in (("in", W), ("out", W_out)):
        columns = {
            "feature_probability": runs.feature_probability,
            "layer": layer,
            "neuron": neuron.ravel(),
            "feature": feature.ravel(),
            "weight": matrix[:, order].ravel().astype(float),
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def _stacks(runs: Runs, rescale: bool) -> pd.DataFrame:
    W = np.abs(neurons.rescaled(runs.W[0], runs.W_out[0]).W) if rescale else runs.W[0]
    mixed = neurons.polysemantic(W) if rescale else neurons.n_held(W) != 1
    least = LEAST_SHOWN * np.abs(W).max()
    rows = []
    for number, neuron in enumerate(_order(W), start=1):
        tops = {True: 0.0, False: 0.0}
        for feature in np.argsort(-np.abs(W[:, neuron])).tolist():
            weight = float(W[feature, neuron])
            if abs(weight) >= least:
                low = tops[weight > 0]
                tops[weight > 0] = low + weight
                kind = "polysemantic" if mixed[neuron] else "monosemantic"
                rows.append((number, feature + 1, weight, low, low + weight, kind))
    columns = ["neuron", "feature", "weight", "low", "high", "kind"]
    found = pd.DataFrame(rows, columns=columns).round(3)
    return found.assign(feature_probability=runs.feature_probability)


def _order(W: Matrix) -> Int[np.ndarray, " d_hidden"]:
    """Neurons in the order of their main feature, of one feature the purest first."""
    return np.lexsort((neurons.second_largest(W), neurons.main_feature(W)))


def _cut_out(W: Matrix, W_out: Matrix, found: motif.Motif) -> Float[np.ndarray, "2 4"]:
    """Weights in and out of both neurons, for both features, scaled as in the paper's example.

    There the product of the weights into the shared neuron is 1, and the inhibiting one takes in
    the strong feature with weight 1, on the side on which the shared one does.
    """
    pair, both = [found.strong, found.weak], [found.neuron, found.inhibitor]
    into, out = W[np.ix_(pair, both)].T, W_out[np.ix_(pair, both)].T
    scale = np.array([np.sqrt(abs(into[0].prod())), abs(into[1, 0])])[:, None]
    sign = np.sign(into[0, 0])
    return np.concatenate([sign * into / scale, out * scale], axis=1).astype(float)


def _motif(circuit: str, matrix: Float[np.ndarray, "2 4"]) -> pd.DataFrame:
    columns = ("strong, in", "weak, in", "strong, out", "weak, out")
    rows = [
        (circuit, neuron, name, float(weight))
        for neuron, row in zip(("shared", "inhibiting"), matrix, strict=True)
        for name, weight in zip(columns, row, strict=True)
    ]
    return pd.DataFrame(rows, columns=["circuit", "neuron", "weight_of", "weight"])
