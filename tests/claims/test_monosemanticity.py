"""Each claim of Towards Monosemanticity is replicated by results like the paper's and refuted by
others; the checks of the recipe fail on code that does something else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.claims.world import add_sae, results
from torch import Tensor

from superposition.claims import monosemanticity, recipe
from superposition.claims.core import Claim
from superposition.results import Results
from superposition.saes import l1, resampling
from superposition.saes.base import SAE, Loss


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


CASES: tuple[tuple[Claim, dict[str, float], str], ...] = (
    (monosemanticity.loss_recovered, {}, "replicated"),
    (monosemanticity.loss_recovered, {"loss_recovered_zero": 0.97}, "partly"),
    (monosemanticity.loss_recovered, {"loss_recovered_zero": 0.55}, "partly"),
    (monosemanticity.loss_recovered, {"loss_recovered_zero": 0.4}, "not replicated"),
    (monosemanticity.l0_target, {}, "replicated"),
    (monosemanticity.l0_target, {"l0": 40.0}, "partly"),
    (monosemanticity.l0_target, {"l0": 90.0}, "not replicated"),
    (monosemanticity.dead_and_ultra_low, {}, "replicated"),
    (monosemanticity.dead_and_ultra_low, {"dead_fraction": 0.2}, "partly"),
    (monosemanticity.dead_and_ultra_low, {"dead_fraction": 0.6}, "not replicated"),
)


@pytest.mark.parametrize(("claim", "other", "holds"), CASES)
def test_results_like_the_papers_are_replicated_and_others_are_not(
    r: Results, claim: Claim, other: dict[str, float], holds: str
) -> None:
    add_sae(r, "l1", other)
    assert claim.judge(r).holds == holds


def test_the_recipe_of_the_library_agrees_in_every_part() -> None:
    assert all(recipe.check_definition(l1.SAE(recipe.CONFIG, d_in=recipe.D_IN)).values())
    assert all(recipe.check_resampling(*library()).values())


def library() -> tuple[Callable[..., Any], ...]:
    return resampling.draw_inputs, resampling.resample_, resampling.forget_moments_


def test_a_loss_that_sums_the_squared_error_disagrees() -> None:
    class Summed(l1.SAE):
        def loss(self, x: Tensor, dead: Tensor | None, *, progress: float) -> Loss:
            loss = super().loss(x, dead, progress=progress)
            return loss._replace(total=loss.total + loss.mse)

    checks = recipe.check_definition(Summed(recipe.CONFIG, d_in=recipe.D_IN))
    assert [name for name, agrees in checks.items() if not agrees] == ["loss"]


def test_an_encoder_without_the_tied_bias_disagrees() -> None:
    class Untied(l1.SAE):
        def encoder_bias(self, W_enc: Tensor, b_enc: Tensor) -> Tensor:
            return b_enc

    assert not recipe.check_definition(Untied(recipe.CONFIG, d_in=recipe.D_IN))["encoder"]


def test_a_decoder_bias_at_the_mean_disagrees() -> None:
    class AtMean(l1.SAE):
        def initialise_(self, sample: Tensor) -> None:
            super().initialise_(sample)
            self.b_dec.data.copy_(sample.mean(dim=0))

    checks = recipe.check_definition(AtMean(recipe.CONFIG, d_in=recipe.D_IN))
    assert not checks["bias at the geometric median"]


def test_drawing_in_proportion_to_the_loss_itself_disagrees() -> None:
    def draw(losses: Tensor, n: int, *, generator: torch.Generator) -> Tensor:
        return torch.multinomial(losses, n, replacement=True, generator=generator)

    _, resample_, forget_ = library()
    assert not recipe.check_resampling(draw, resample_, forget_)["drawn by squared loss"]


def test_keeping_the_moments_or_another_encoder_norm_disagrees() -> None:
    def keep_(*_: object) -> None:
        """Leave the optimiser as it is."""

    def longer_(sae: SAE, dead: Tensor, directions: Tensor, *, encoder_scale: float) -> None:
        resampling.resample_(sae, dead, directions, encoder_scale=2 * encoder_scale)

    checks = recipe.check_resampling(resampling.draw_inputs, longer_, keep_)
    failed = [name for name, agrees in checks.items() if not agrees]
    assert failed == ["encoder vector", "moments reset"]
