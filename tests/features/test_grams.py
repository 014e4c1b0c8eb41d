"""Activations guessed from the last tokens: a table of strings with backoff."""

import numpy as np
import pytest

from superposition.features.grams import predicted, strings

TOKENS = np.array([[1, 2, 3, 1, 2, 3], [2, 3, 1, 2, 3, 0]])


def test_equal_strings_have_equal_numbers_and_others_have_others() -> None:
    for n, numbers in enumerate(strings(TOKENS, d_vocab=4), start=1):
        keys = [
            tuple(row[max(0, i - n + 1) : i + 1]) if i >= n - 1 else ("begin", *row[: i + 1])
            for row in TOKENS.tolist()
            for i in range(len(row))
        ]
        assert (
            len(set(numbers.tolist()))
            == len(set(keys))
            == len(set(zip(keys, numbers.tolist(), strict=True)))
        )
        assert sorted(set(numbers.tolist())) == list(range(len(set(keys))))


def naive(acts: np.ndarray, found: list[np.ndarray], fitted: np.ndarray) -> np.ndarray:
    guesses = []
    for row in np.flatnonzero(~fitted):
        guess = acts[fitted].mean(axis=0)
        for numbers in found:
            same = fitted & (numbers == numbers[row])
            if same.sum() >= 2:
                guess = acts[same].mean(axis=0)
        guesses.append(guess)
    return np.array(guesses)


def test_the_longest_string_seen_twice_decides() -> None:
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 3, size=(30, 8))
    acts = rng.random((240, 4)).astype(np.float32)
    fitted = np.repeat(rng.random(30) < 0.5, 8)
    found = strings(tokens, d_vocab=3)
    np.testing.assert_allclose(
        predicted(acts, found, fitted), naive(acts, found, fitted), rtol=1e-5
    )


def test_a_unit_of_one_token_is_guessed_exactly() -> None:
    tokens = np.random.default_rng(1).integers(0, 4, size=(40, 8))
    acts = (tokens.reshape(-1, 1) == 2).astype(np.float32)
    fitted = np.repeat(np.arange(40) < 20, 8)
    guess = predicted(acts, strings(tokens, d_vocab=4), fitted)
    assert guess == pytest.approx(acts[~fitted])
