"""Two numbers in one: a nonlinear code that keeps both, against the best linear one.

x and y, uniform in [0, 1], are written as t = (floor(Z x) + y) / Z: x in Z coarse steps, y within a
step. A network of ReLUs has no floor; it has a steep segment in its place, over the last share
`epsilon` of each step. Source: Toy Models of Superposition, appendix on nonlinear compression.
"""

from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Float

LINEAR = 1 / 24
"""Mean squared error of the best linear code, per number: it keeps one direction of two, and so
half of the variance 1/12 that each has. Derived; keeping one number or their mean costs the same.
"""
N_NODES = 600
"""Points of the quadrature in each direction."""

Decoder = Literal["as printed", "centred"]
"""What is returned for x: the lower end of its step, or the middle."""
DECODERS: tuple[Decoder, ...] = ("as printed", "centred")


def steep_floor(u: Float[np.ndarray, "*grid"], epsilon: float) -> Float[np.ndarray, "*grid"]:
    """floor(u), but with a straight rise over the last `epsilon` before each whole number.

    >>> steep_floor(np.array([0.5, 0.95, 1.0]), 0.1).round(6).tolist()
    [0.0, 0.5, 1.0]
    """
    whole = np.floor(u)
    if epsilon == 0:
        return whole
    return whole + np.maximum(u - whole - (1 - epsilon), 0) / epsilon


def error(n_steps: int, epsilon: float, decoder: Decoder) -> float:
    """Mean squared error per number of the code with Z = `n_steps`, by the midpoint rule."""
    nodes = (np.arange(N_NODES) + 0.5) / N_NODES
    x, y = np.meshgrid(nodes, nodes, indexing="ij")
    stretched = steep_floor(n_steps * x, epsilon) + y
    coarse = steep_floor(stretched, epsilon)
    centre = 0.5 if decoder == "centred" else 0.0
    x_hat, y_hat = (coarse + centre) / n_steps, stretched - coarse
    return float(((x - x_hat) ** 2 + (y - y_hat) ** 2).mean() / 2)


def linear_error(direction: float) -> float:
    """Mean squared error per number of keeping cos(a) x + sin(a) y, a in degrees; best decoder."""
    a = np.radians(direction)
    kept = np.array([np.cos(a), np.sin(a)])
    nodes = (np.arange(N_NODES) + 0.5) / N_NODES
    x = np.stack(np.meshgrid(nodes, nodes, indexing="ij")).reshape(2, -1) - 0.5
    return float(((x - np.outer(kept, kept @ x)) ** 2).mean())


def table(
    n_steps: Float[np.ndarray, " z"] | tuple[int, ...], epsilons: tuple[float, ...]
) -> pd.DataFrame:
    """The error of every code: decoder, n_steps, epsilon, error."""
    rows = [
        (decoder, int(n), epsilon, error(int(n), epsilon, decoder))
        for decoder in DECODERS
        for n in n_steps
        for epsilon in epsilons
    ]
    return pd.DataFrame(rows, columns=["decoder", "n_steps", "epsilon", "error"])
