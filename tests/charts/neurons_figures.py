"""The figures of hidden neurons, the motif and the L1 penalty, with made-up data."""

import numpy as np
import pandas as pd

from superposition.charts import absolute, motif, neurons
from superposition.toy import motif as circuits

DENSITIES = (0.75, 0.1, 0.01)


def weights(**columns: list[str]) -> pd.DataFrame:
    feature, neuron = np.indices((4, 2)) + 1
    matrix = {"neuron": neuron.ravel(), "feature": feature.ravel(), "weight": 0.5}
    parts = [
        pd.DataFrame({"feature_probability": p, name: value, **matrix})
        for p in DENSITIES
        for name, values in columns.items()
        for value in values
    ]
    return pd.concat(parts, ignore_index=True)


def stacks() -> pd.DataFrame:
    rows = [
        (p, neuron, feature, weight, low, low + weight, kind)
        for p in DENSITIES
        for neuron, kind in ((1, "monosemantic"), (2, "polysemantic"))
        for feature, weight, low in ((1, 1.0, 0.0), (2, 0.3, 1.0), (3, -0.4, 0.0))
    ]
    columns = ["feature_probability", "neuron", "feature", "weight", "low", "high", "kind"]
    return pd.DataFrame(rows, columns=columns)


def counts() -> pd.DataFrame:
    columns = {"feature_probability": [0.75, 0.75, 0.1], "n_monosemantic": [5, 4, 0]}
    return pd.DataFrame(columns).assign(starts=[60, 4, 64], best=[True, False, True])


def losses() -> pd.DataFrame:
    columns = {"feature_probability": np.repeat(DENSITIES, 2), "hidden": ["ReLU", "ReLU and bias"]}
    columns["hidden"] = columns["hidden"] * 3
    return pd.DataFrame(columns).assign(
        relative_loss=[1.0, 1.0, 2.0, 1.0, 4.0, 1.1], above_zero=0.9
    )


def second() -> pd.DataFrame:
    columns = {"feature_probability": np.repeat(DENSITIES, 2), "neuron": [1, 2] * 3}
    return pd.DataFrame(columns).assign(main_feature=[1, 7] * 3, second=[0.1, 0.9] * 3)


def computed() -> pd.DataFrame:
    whats = ["polysemantic neurons", "features computed"]
    columns = {"feature_probability": np.repeat(DENSITIES, 2), "what": whats * 3}
    return pd.DataFrame(columns).assign(count=[0, 20, 10, 21, 40, 12])


def found() -> pd.DataFrame:
    names = ["strong, in", "weak, in", "strong, out", "weak, out"]
    columns = {"neuron": np.repeat(["shared", "inhibiting"], 4), "weight_of": names * 2}
    one = pd.DataFrame(columns).assign(weight=[2, -0.5, 0.5, 2, 1, 0, 0, -4.0])
    circuits = ("the paper's example", "trained, p = 0.01")
    return pd.concat([one.assign(circuit=name) for name in circuits], ignore_index=True)


def penalised() -> pd.DataFrame:
    measures = ["features represented", "of these, in superposition", "reconstruction loss"]
    rows = [
        (p, l1, seed, measure, 3.0 + seed)
        for p in (0.03, 0.01)
        for l1 in (0.0, 0.001, 0.01)
        for seed in range(2)
        for measure in measures
    ]
    columns = ["feature_probability", "l1_coefficient", "seed", "measure", "value"]
    return pd.DataFrame(rows, columns=columns)


FIGURES = {
    neurons.hidden_weights: lambda: (weights(model=["linear", "ReLU"]),),
    neurons.stacked: lambda: (stacks(),),
    neurons.monosemantic: lambda: (counts(),),
    neurons.escape: lambda: (losses(),),
    absolute.both_layers: lambda: (weights(layer=["in", "out"]),),
    absolute.stacked_absolute: lambda: (stacks(),),
    absolute.polysemanticity: lambda: (second(),),
    absolute.computed: lambda: (computed(),),
    motif.responses: lambda: (circuits.responses(5),),
    motif.losses: lambda: (circuits.losses(DENSITIES),),
    motif.found: lambda: (found(),),
    motif.penalty: lambda: (penalised(),),
}
