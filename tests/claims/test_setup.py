"""Claims about the set-up hold for the code as it is, and fail for code that is wrong."""

from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import Float
from tests.claims.world import results
from torch import Tensor

from superposition.claims import measures_setup, setup
from superposition.claims.core import Claim
from superposition.toy import geometry
from superposition.toy.models import ToyModel

HERE = {
    setup.data_world: "replicated",
    setup.two_models: "replicated",
    setup.any_rotation: "replicated",
    setup.dimensions_are_shared: "replicated",
    setup.what_the_score_means: "replicated",
    setup.tutorial_bound: "partly",
}


@pytest.mark.parametrize(("claim", "holds"), HERE.items(), ids=lambda one: getattr(one, "id", one))
def test_a_claim_about_the_set_up_comes_out_as_the_formulas_say(
    claim: Claim, holds: str, tmp_path: Path
) -> None:
    assert claim.judge(results(tmp_path)).holds == holds


def world(p: float, *, low: float = 0.0, high: float = 1.0, share: float = 1.0) -> np.ndarray:
    """Samples of features of density `p * share`, uniform between `low` and `high`."""
    rng = np.random.default_rng(0)
    size = (100_000, 3)
    return rng.uniform(low, high, size) * (rng.random(size) < p * share)


def test_samples_of_the_papers_world_pass_whoever_draws_them() -> None:
    assert setup.check_world(world).holds == "replicated"


@pytest.mark.parametrize("wrong", [{"low": -1.0}, {"low": 0.1}, {"high": 1.1}, {"share": 0.9}])
def test_samples_of_another_world_are_not_replicated(wrong: dict[str, float]) -> None:
    assert setup.check_world(lambda p: world(p, **wrong)).holds == "not replicated"


def test_features_that_occur_together_are_not_replicated() -> None:
    def together(p: float) -> np.ndarray:
        rng = np.random.default_rng(0)
        return rng.random((100_000, 3)) * (rng.random((100_000, 1)) < p)

    assert setup.check_world(together).holds == "not replicated"


def test_samples_that_training_only_counts_are_zeros_again() -> None:
    x = measures_setup.training_samples(0.01)
    assert x.shape == (1_000_000, 5)
    assert (x != 0).any(axis=1).mean() == pytest.approx(1 - 0.99**5, rel=0.02)


class WithoutReLU(ToyModel):
    """A model that forgets its ReLU."""

    def forward(
        self, x: Float[Tensor, "batch instance feature"]
    ) -> Float[Tensor, "batch instance feature"]:
        self.output = "linear"
        x_hat = super().forward(x)
        self.output = "relu"
        return x_hat


class OtherLoss(ToyModel):
    """A model whose loss is half of what it should be."""

    def loss(
        self,
        x: Float[Tensor, "batch instance feature"],
        importance: Float[Tensor, "*instance feature"],
    ) -> Float[Tensor, " instance"]:
        return super().loss(x, importance) / 2


@pytest.mark.parametrize("wrong", [WithoutReLU, OtherLoss])
def test_models_that_compute_something_else_are_not_replicated(wrong: type[ToyModel]) -> None:
    assert setup.check_models(wrong).holds == "not replicated"


def test_a_rotation_that_changes_outputs_is_not_replicated_and_two_that_do_not_only_partly() -> (
    None
):
    assert setup.check_rotation(free="relu", fixed="relu").holds == "not replicated"
    assert setup.check_rotation(free="linear", fixed="linear").holds == "partly"


def test_dimensionalities_that_add_up_to_too_much_are_not_replicated() -> None:
    assert setup.check_bound(lambda W: 1.01 * geometry.dimensionality(W)).holds == "not replicated"


def test_a_score_without_the_square_is_not_replicated() -> None:
    assert setup.check_score(lambda W: geometry.superposition(W).sqrt()).holds == "not replicated"


def test_the_tutorials_sentence_holds_in_both_readings_only_if_nothing_reaches_the_bound() -> None:
    assert setup.check_readings(lambda W: 0.9 * geometry.dimensionality(W)).holds == "replicated"
    everywhere = setup.check_readings(lambda W: torch.ones(W.shape[:-1]))
    assert everywhere.holds == "not replicated"
