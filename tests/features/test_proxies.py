"""Feature proxies: log-likelihood ratios of strings, by hand and against every string tried."""

import math
import string
from itertools import pairwise

import numpy as np
import pytest

from superposition.features import proxies

VOCABULARY = [b"<|endoftext|>", b"AC", b"G", b"x ", b"T"]
START = np.array([0, 5, 9])
TOKENS = np.array([0, 1, 2, 3, 4, 0, 2, 1, 3])


def naive(ratios: np.ndarray, start: np.ndarray, at_least: int) -> np.ndarray:
    """The largest sum over every string that ends at each token."""
    best = np.full(len(ratios), -np.inf)
    for first, end in pairwise(start.tolist()):
        for t in range(first + 1, end):
            for begin in range(first + 1, t - at_least + 2):
                best[t] = max(best[t], ratios[begin : t + 1].sum())
    return best


def test_a_token_of_the_alphabet_has_its_characters_chances_over_its_share() -> None:
    log_p = np.log([0.2, 0.1, 0.3, 0.2, 0.2])
    ratios = proxies.log_ratios(VOCABULARY, log_p, alphabet="ACGT")
    assert ratios[1] == pytest.approx(math.log((1 / 4) ** 2 / 0.1))
    assert ratios[2] == pytest.approx(math.log(1 / 4 / 0.3))


def test_a_character_outside_the_alphabet_has_the_chance_of_1e_10() -> None:
    ratios = proxies.log_ratios([b"A-"], np.log([0.5]), alphabet="ACGT")
    assert ratios[0] == pytest.approx(math.log(1 / 4 * 1e-10 / 0.5))


def test_base64_has_64_characters_of_equal_chance() -> None:
    for alphabet in proxies.ALPHABETS["base64"]:
        assert len(set(alphabet)) == 64
        ratios = proxies.log_ratios([b"Qx"], np.log([1e-3]), alphabet=alphabet)
        assert ratios[0] == pytest.approx(math.log(64**-2 / 1e-3))


@pytest.mark.parametrize("at_least", [1, 2, 3])
def test_the_best_string_is_that_of_trying_all(at_least: int) -> None:
    rng = np.random.default_rng(0)
    ratios, start = rng.normal(size=60), np.array([0, 1, 20, 22, 60])
    found = proxies.best_string(ratios, start, at_least=at_least)
    np.testing.assert_allclose(found, naive(ratios, start, at_least))


def test_a_string_does_not_reach_over_a_separator() -> None:
    found = proxies.best_string(np.array([0.0, 5.0, 0.0, 1.0]), np.array([0, 2, 4]), at_least=1)
    assert found.tolist() == [-math.inf, 5.0, -math.inf, 1.0]


def test_dna_needs_two_tokens() -> None:
    assert proxies.AT_LEAST["dna"] == 2
    found = proxies.proxies(TOKENS, START, vocabulary=VOCABULARY, kind="dna")
    assert found[1] == -math.inf
    assert found[6] == -math.inf


def test_the_better_of_two_alphabets_counts() -> None:
    vocabulary = [b"<|endoftext|>", b"acgt", b"ACGT", b"Other words"]
    tokens = np.array([0, 1, 1, 0, 2, 2, 3])
    found = proxies.proxies(tokens, np.array([0, 3, 7]), vocabulary=vocabulary, kind="dna")
    log_p = math.log(2 / 7)
    assert found[2] == pytest.approx(8 * math.log(1 / 4) - 2 * log_p)
    assert found[5] == pytest.approx(found[2])
    assert found[6] < 0


def test_random_base64_is_recognised_and_code_is_not() -> None:
    rng = np.random.default_rng(0)
    letters = [c.encode() for c in string.ascii_letters + string.digits + "+/"]
    vocabulary = [b"<|endoftext|>", *letters, b"return value", b"\n    "]
    code = np.tile([65, 66], 200)
    noise = rng.integers(1, 65, size=40)
    tokens = np.concatenate([[0], code, [0], noise])
    found = proxies.proxies(tokens, np.array([0, 401, 442]), vocabulary=vocabulary, kind="base64")
    assert (found[1:401] < 0).all()
    assert (found[-20:] > 0).all()
