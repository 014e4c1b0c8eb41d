"""What a unit does, guessed from the last tokens alone: a table of n-grams with backoff."""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse

from superposition.features.recording import one_hot

LONGEST = 3
"""Tokens in the longest string looked up."""
MIN_SEEN = 2
"""Occurrences in the fitted half from which a string's mean activation is used."""


def strings(
    tokens: Int[np.ndarray, "window seq"], *, d_vocab: int
) -> list[Int[np.ndarray, " token"]]:
    """For n = 1, 2, ... up to 3: the number of the string of n tokens that ends at each token.

    Equal strings have equal numbers, from 0 without gaps. Before a window's beginning stands a mark
    that is no token, because the model cannot see further back either.
    """
    found, whole = [], tokens.astype(np.int64)
    for n in range(1, LONGEST + 1):
        if n > 1:
            earlier = np.full_like(whole, d_vocab)
            earlier[:, n - 1 :] = tokens[:, : tokens.shape[1] - n + 1]
            whole = earlier * (whole.max() + 1) + whole
        _, numbers = np.unique(whole.ravel(), return_inverse=True)
        whole = numbers.reshape(tokens.shape).astype(np.int64)
        found.append(numbers)
    return found


def predicted(
    acts: Float[np.ndarray, "token unit"],
    strings: list[Int[np.ndarray, " token"]],
    fitted: Bool[np.ndarray, " token"],
) -> Float[np.ndarray, "other unit"]:
    """The activations on the tokens that are not `fitted`, as the fitted ones suggest.

    The mean activation over the fitted occurrences of the longest string of tokens, up to three,
    that occurs at least twice among them; the mean over all fitted tokens if there is none.
    """
    n_other = int((~fitted).sum())
    guess = np.repeat(acts[fitted].mean(axis=0, keepdims=True), n_other, axis=0)
    for numbers in strings:
        n = int(numbers.max()) + 1
        counts = np.bincount(numbers[fitted], minlength=n)
        occurs: sparse.csr_matrix = one_hot(numbers[fitted], n)
        means = (occurs.T @ acts[fitted]) / np.maximum(counts, 1)[:, None]
        other = numbers[~fitted]
        known = counts[other] >= MIN_SEEN
        guess[known] = means[other[known]]
    return guess
