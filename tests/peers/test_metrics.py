"""Metrics against the peers' own functions: where theirs are right, ours agree; else it is said."""

from typing import Any

import pytest

from superposition.benchmarks.client import Process
from superposition.benchmarks.definitions import Situation, ours, situation, theirs

CLOSE = 1e-5


@pytest.fixture(scope="module")
def two_batches() -> Situation:
    return situation()


@pytest.fixture(scope="module")
def found(peers: Process, two_batches: Situation) -> dict[str, dict[str, Any]]:
    return {"ours": ours(two_batches)} | theirs(peers, two_batches)


@pytest.mark.parametrize("peer", ["SAELens", "dictionary_learning"])
def test_l0_is_the_same(found: dict[str, dict[str, Any]], peer: str) -> None:
    assert found["ours"]["l0"] == pytest.approx(found[peer]["l0"], abs=CLOSE)


def test_densities_are_those_of_sae_lens(found: dict[str, dict[str, Any]]) -> None:
    assert found["ours"]["feature_density"] == pytest.approx(
        found["SAELens"]["feature_density"], abs=CLOSE
    )


def test_the_share_of_alive_latents_is_that_of_dictionary_learning(
    found: dict[str, dict[str, Any]],
) -> None:
    alive = found["dictionary_learning"]["alive_fraction"]
    assert found["ours"]["alive_fraction"] == pytest.approx(alive, abs=CLOSE)
    assert alive < 1


def test_the_squared_error_of_sae_lens_is_a_sum_over_dimensions(
    found: dict[str, dict[str, Any]], two_batches: Situation
) -> None:
    d_in = two_batches.x.shape[-1]
    assert d_in * found["ours"]["mse"] == pytest.approx(found["SAELens"]["mse"], rel=CLOSE)


@pytest.mark.parametrize("changes", [{}, {"n_batches": 1}, {"scale": 4.0}, {"offset": 0.5}])
def test_explained_variance_is_that_of_sae_lens(peers: Process, changes: dict[str, Any]) -> None:
    given = situation(**changes)
    theirs_ = theirs(peers, given)["SAELens"]["explained_variance"]
    assert ours(given)["explained_variance"] == pytest.approx(theirs_, abs=CLOSE)


def test_the_older_definition_of_sae_lens_is_a_mean_of_ratios(
    found: dict[str, dict[str, Any]],
) -> None:
    legacy = found["SAELens"]["explained_variance_legacy"]
    assert legacy < found["ours"]["explained_variance"] - 0.01


def test_explained_variance_is_that_of_sparsify_on_one_batch(peers: Process) -> None:
    given = situation(n_batches=1, offset=0.5)
    theirs_ = theirs(peers, given)["sparsify"]["explained_variance"]
    assert ours(given)["explained_variance"] == pytest.approx(theirs_, abs=CLOSE)


def test_explained_variance_is_that_of_dictionary_learning_if_the_error_has_mean_zero(
    peers: Process,
) -> None:
    given = situation(n_batches=1)
    bias = (given.x_hat - given.x).mean((0, 1))
    given = given._replace(x_hat=given.x_hat - bias)
    theirs_ = theirs(peers, given)["dictionary_learning"]["explained_variance"]
    assert ours(given)["explained_variance"] == pytest.approx(theirs_, abs=CLOSE)


def test_dictionary_learning_forgives_a_constant_error(peers: Process) -> None:
    exact, shifted = (situation(n_batches=1, offset=offset) for offset in (0.0, 5.0))
    theirs_ = [
        theirs(peers, given)["dictionary_learning"]["explained_variance"]
        for given in (exact, shifted)
    ]
    assert theirs_[0] == pytest.approx(theirs_[1], abs=CLOSE)
    assert ours(shifted)["explained_variance"] < 0 < ours(exact)["explained_variance"]


def test_loss_recovered_is_that_of_sae_lens_a_ratio_of_means(
    found: dict[str, dict[str, Any]],
) -> None:
    theirs_ = found["SAELens"]["loss_recovered"]
    assert found["ours"]["loss_recovered"] == pytest.approx(theirs_, abs=CLOSE)


def test_dictionary_learning_takes_the_mean_of_ratios_over_batches(
    found: dict[str, dict[str, Any]], two_batches: Situation
) -> None:
    each = [
        ours(Situation(*(tensor[i : i + 1] for tensor in two_batches)))["loss_recovered"]
        for i in range(2)
    ]
    theirs_ = found["dictionary_learning"]["loss_recovered"]
    assert theirs_ == pytest.approx(sum(each) / 2, abs=CLOSE)
    assert theirs_ < found["ours"]["loss_recovered"] - 0.01
