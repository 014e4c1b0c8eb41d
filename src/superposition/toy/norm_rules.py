"""Rules that tie the length of a feature's direction to its bias, in a pentagon.

A negative bias hides small interference and lowers the feature's own output; a longer direction
makes up for that. Source: Toy Models of Superposition, Perturbing a Single Feature.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from jaxtyping import Float

Biases = Float[np.ndarray, "*feature"]

PRINTED = "1 / (1 − b)"
"""As the paper prints it."""
RULES: dict[str, Callable[[Biases], Biases]] = {
    PRINTED: lambda b: 1 / (1 - b),
    "1 / (1 − |b|)": lambda b: 1 / (1 - np.abs(b)),
    "1 / √(1 − |b|)": lambda b: 1 / np.sqrt(1 - np.abs(b)),
    "√(1 − b)": lambda b: np.sqrt(1 - b),
}
"""The printed rule; with the bias taken the other way round; the same for the squared norm, which
is what the model multiplies a feature by; and what returns the largest value, 1, unchanged: the
output is |W|^2 x + b, so that |W|^2 + b = 1."""


def errors(norm: Biases, b: Biases) -> dict[str, float]:
    """The largest relative error of every rule over the features given."""
    return {name: float(np.abs(rule(b) / norm - 1).max()) for name, rule in RULES.items()}


def curves(lowest: float, highest: float) -> pd.DataFrame:
    """The rules as lines between two biases: rule, bias, norm."""
    bias = np.linspace(lowest, highest, 41)
    parts = [
        pd.DataFrame({"rule": name, "bias": bias, "norm": rule(bias)})
        for name, rule in RULES.items()
    ]
    return pd.concat(parts, ignore_index=True)
