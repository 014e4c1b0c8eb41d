"""How often every unit is active together with every concept, over a grid of thresholds.

A unit is a latent, a neuron or a direction. Everything is counted apart on two halves of the text,
one to choose by (0) and one to report (1). Two ways give the same counts: `sparse_counts` looks at
nonzero activations and the labels a token has, and nothing else; `dense_counts` is for units that
are active on a large share of the tokens.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from scipy.sparse import csr_array

KEPT = (*(tenth / 10 for tenth in range(10, 0, -1)), 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
"""Share of a unit's positive activations above each threshold, the first one being 0.

Deciles, by which specificity is reported, and a tail: a unit that is active on most tokens can be
right about a rare concept only far above most of its activations."""
ROUNDING = 1e-9
"""So that 0.7 of ten activations are seven, whatever 0.7 is in binary."""
CHOOSE, REPORT = 0, 1
"""The halves."""


class Text(NamedTuple):
    """What is known of every token of a stream."""

    token: Int[np.ndarray, " n"]
    """Token ids."""
    first_half: Bool[np.ndarray, " n"]
    """Whether the token is in the half to choose by."""
    labels: csr_array
    """Tokens by concepts, 1 where the token has the concept; float32."""


class Counts(NamedTuple):
    """What was counted, by half."""

    n: Int[np.ndarray, " half"]
    """Tokens."""
    positives: Int[np.ndarray, "half concept"]
    """Tokens that have the concept."""
    thresholds: Float[np.ndarray, "unit threshold"]
    """Activations above which a unit counts as active, in units of its activations."""
    active: Int[np.ndarray, "half unit threshold"]
    """Tokens on which the unit is above the threshold."""
    both: Int[np.ndarray, "half unit threshold concept"]
    """Of these, tokens that have the concept."""
    top_token: Int[np.ndarray, " unit"]
    """The token id with the largest sum of activations in the first half."""
    single_token_share: Float[np.ndarray, " unit"]
    """Its share of the sum of activations in the second half; 0 if there are none."""


class Entries(NamedTuple):
    """Nonzero activations."""

    unit: Int[np.ndarray, " entry"]
    """Of which unit."""
    position: Int[np.ndarray, " entry"]
    """On which token of the stream."""
    value: Float[np.ndarray, " entry"]
    """How strong."""

    def by_unit(self, *, n_units: int, n_tokens: int) -> csr_array:
        """The activations as a matrix, units by tokens of the stream."""
        return csr_array((self.value, (self.unit, self.position)), shape=(n_units, n_tokens))


def base_counts(
    text: Text, positions: Int[np.ndarray, " read"]
) -> tuple[Int[np.ndarray, " half"], Int[np.ndarray, "half concept"]]:
    """Tokens, and tokens with each concept, of each half among those at `positions`."""
    first = text.first_half[positions]
    parts = [text.labels[positions[half]] for half in (first, ~first)]
    n = np.array([part.shape[0] for part in parts])
    return n, np.stack([np.asarray(part.sum(axis=0)).astype(np.int64) for part in parts])


def thresholds(
    acts: csr_array, chosen: Bool[np.ndarray, " n"]
) -> Float[np.ndarray, "unit threshold"]:
    """For every unit 0, and then the activation that a share `KEPT` of its `chosen` ones exceeds.

    Of n positive activations max(1, ceil(KEPT n)) are above the threshold, unless some are equal.
    """
    found = np.zeros((size(acts)[0], len(KEPT)), dtype=np.float32)
    for unit, (positions, values) in enumerate(rows(acts)):
        ordered = np.sort(values[chosen[positions]])
        kept = np.ceil(len(ordered) * np.array(KEPT) - ROUNDING).astype(int).clip(min=1)
        below = len(ordered) - kept
        if len(ordered):
            found[unit] = np.where(below > 0, ordered[below - 1], 0)
    return found


def size(matrix: csr_array) -> tuple[int, int]:
    """Rows and columns."""
    assert matrix.shape is not None
    return matrix.shape[0], matrix.shape[1]


def rows(
    acts: csr_array,
) -> Iterator[tuple[Int[np.ndarray, " entry"], Float[np.ndarray, " entry"]]]:
    """The positions and values of every unit."""
    ends = acts.indptr
    for unit in range(size(acts)[0]):
        row = slice(ends[unit], ends[unit + 1])
        yield acts.indices[row], acts.data[row]


def single_tokens(
    mass: tuple[csr_array, csr_array],
) -> tuple[Int[np.ndarray, " unit"], Float[np.ndarray, " unit"]]:
    """Each unit's strongest token in the first half, and its share in the second.

    `mass` is the sum of each unit's activations on each token id, by half. Tokens on which a unit
    is strongest by chance are not strongest again: the share is not inflated for rare units.
    """
    first, second = mass
    top = np.asarray(first.argmax(axis=1)).ravel()
    total = np.asarray(second.sum(axis=1)).ravel().astype(float)
    on_top = np.asarray(second[np.arange(len(top)), top]).ravel().astype(float)
    return top, np.divide(on_top, total, out=np.zeros(len(top)), where=total > 0)


def from_above(
    bins: Shaped[np.ndarray, "half unit threshold *concept"],
) -> Shaped[np.ndarray, "half unit threshold *concept"]:
    """Counts above each threshold from counts between one and the next."""
    return np.flip(np.flip(bins, 2).cumsum(axis=2, dtype=bins.dtype), 2)
