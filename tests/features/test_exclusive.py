"""The model of one neuron: gradient descent finds the closed form, and two features beat one."""

import math

import pytest

from superposition.features import exclusive


@pytest.mark.parametrize("n_active", range(5))
def test_gradient_descent_ends_at_the_closed_form(n_active: int) -> None:
    found = exclusive.optimum(n_active, seed=n_active)
    assert found.optimised == pytest.approx(found.closed_form, abs=2e-3)


def test_the_printed_losses_are_those_of_one_and_of_two_features() -> None:
    assert exclusive.closed_form(1) == pytest.approx(0.75 * math.log(3))
    assert exclusive.closed_form(2) == pytest.approx(math.log(2))


def test_a_neuron_that_is_always_or_never_active_tells_nothing() -> None:
    assert exclusive.closed_form(0) == exclusive.closed_form(4) == pytest.approx(math.log(4))
