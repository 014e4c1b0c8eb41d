"""Correlations of pairs of columns with intervals over windows."""

import numpy as np
import pytest

from superposition.features.window_correlations import paired


def made(seed: int, n_windows: int = 50) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    window = np.repeat(np.arange(n_windows), 8)
    x = rng.normal(size=(len(window), 2)).astype(np.float32)
    y = (0.5 * x + rng.normal(size=x.shape)).astype(np.float32)
    return x, y, window


def test_the_value_is_pearsons_correlation() -> None:
    x, y, window = made(0)
    found = paired(x, y, window=window, seed=0)
    expected = [np.corrcoef(x[:, i], y[:, i])[0, 1] for i in range(2)]
    np.testing.assert_allclose(found.value, expected, rtol=1e-5)
    assert (found.low < found.value).all()
    assert (found.value < found.high).all()


def test_shift_and_scale_change_nothing() -> None:
    x, y, window = made(1)
    first = paired(x, y, window=window, seed=0)
    second = paired(3 * x + 1, y, window=window, seed=0)
    np.testing.assert_allclose(first.value, second.value, rtol=1e-4)
    np.testing.assert_allclose(first.low, second.low, rtol=1e-3)


def test_a_column_that_does_not_vary_correlates_with_nothing() -> None:
    x, y, window = made(2)
    x[:, 0] = 0
    assert paired(x, y, window=window, seed=0).value[0] == 0


def test_tokens_that_repeat_within_a_window_do_not_narrow_the_interval() -> None:
    x, y, _ = made(3)
    once = paired(x, y, window=np.arange(len(x)), seed=0)
    many = paired(
        np.repeat(x, 8, axis=0), np.repeat(y, 8, axis=0), window=np.arange(8 * len(x)) // 8, seed=0
    )
    np.testing.assert_allclose(once.value, many.value, atol=1e-6)
    np.testing.assert_allclose(once.high - once.low, many.high - many.low, rtol=1e-6)


def test_a_difference_of_the_same_pairs_is_nothing() -> None:
    x, y, window = made(4)
    found = paired(x, y, window=window, seed=0)
    gap = found.minus(found)
    assert gap.value == pytest.approx([0, 0])
    assert gap.high == pytest.approx([0, 0])
