"""Claims about one denser or sparser feature: what replicates them and what refutes them."""

import math
from pathlib import Path

import pandas as pd
import pytest
import torch
from tests.claims.world import Condition, add_toy, polygon, results
from torch import Tensor

from superposition.claims import uneven
from superposition.claims.core import Verdict
from superposition.core.store import schema
from superposition.results import Results
from superposition.toy.branches import DIGONS, PENTAGON

RATIOS = (2.0, 1.0, 0.5, 0.25)


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


def stretched(gap: float, *, norm: float = 1.0) -> Tensor:
    """A pentagon with this angle in degrees on both sides of the first feature."""
    rest = (360 - 2 * gap) / 3
    degrees = torch.tensor([0, gap, gap + rest, gap + 2 * rest, gap + 3 * rest])
    angles = degrees.deg2rad()
    return norm * torch.stack([angles.cos(), angles.sin()], dim=1)


def digons() -> Tensor:
    return polygon(4).roll(1, dims=0)


def add_row(r: Results, models: list[Tensor], *, biases: list[Tensor] | None = None) -> None:
    """One best model for each of `RATIOS`, the densest first feature first."""
    keys: list[Condition] = [(0.05, 1.0, ratio, 0.0) for ratio in RATIOS]
    given = {key: [model] for key, model in zip(keys, models, strict=True)}
    zeros = [torch.zeros(5)] * len(keys)
    chosen = {key: [b] for key, b in zip(keys, biases or zeros, strict=True)}
    add_toy(r, "perturbed-pentagon", given, biases=chosen, base=1.0)


def add_branches(r: Results, crossing: float | None) -> None:
    """Losses that cross where the first feature is this many times sparser."""
    rows = []
    for ratio in (1.0, 2.0, 4.0, 8.0):
        more = math.log(ratio / crossing) if crossing else -1.0
        for branch, loss in ((PENTAGON, 10.0 + more), (DIGONS, 10.0)):
            rows.append((1 / ratio, branch, 0, 1.0, loss, 1e-3))
    table = pd.DataFrame(rows, columns=[*schema()["perturbation/branches.parquet"]])
    r.store.save_table(table, "perturbation", "branches.parquet")


def judged(r: Results, gaps: list[float]) -> Verdict:
    add_row(r, [stretched(gap) for gap in gaps])
    return uneven.pentagon_deforms.judge(r)


def test_a_pentagon_that_opens_beside_a_denser_feature_is_replicated(r: Results) -> None:
    verdict = judged(r, [75.0, 72.0, 69.0, 65.0])
    assert verdict.holds == "replicated"
    assert verdict.measured == pytest.approx(10, abs=1e-3)


def test_a_pentagon_that_opens_unevenly_is_partly_replicated(r: Results) -> None:
    assert judged(r, [75.0, 72.0, 66.0, 68.0]).holds == "partly"
    assert judged(r, [79.0, 76.0, 72.0, 70.0]).holds == "partly"


def test_a_pentagon_that_closes_beside_a_denser_feature_is_not_replicated(r: Results) -> None:
    assert judged(r, [65.0, 72.0, 75.0, 78.0]).holds == "not replicated"


def test_without_pentagons_there_is_nothing_that_deforms(r: Results) -> None:
    add_row(r, [digons()] * 4)
    verdict = uneven.pentagon_deforms.judge(r)
    assert verdict.holds == "not replicated"
    assert verdict.measured is None


def test_the_snap_needs_a_sudden_loss_of_the_feature_and_losses_that_cross(r: Results) -> None:
    add_row(r, [polygon(5), polygon(5), polygon(5), digons()])
    add_branches(r, 3.0)
    verdict = uneven.pentagon_snaps.judge(r)
    assert verdict.holds == "replicated"
    assert verdict.measured == pytest.approx(1)
    assert "between the ratios 2.00 and 4.00" in verdict.detail


def test_a_snap_without_a_crossing_or_the_other_way_round_is_partly_there(r: Results) -> None:
    add_row(r, [polygon(5), polygon(5), polygon(5), digons()])
    add_branches(r, None)
    assert uneven.pentagon_snaps.judge(r).holds == "partly"


def test_neither_snap_nor_crossing_is_not_replicated(r: Results) -> None:
    add_row(r, [polygon(5)] * 4)
    add_branches(r, None)
    verdict = uneven.pentagon_snaps.judge(r)
    assert verdict.holds == "not replicated"
    assert "at none of the ratios" in verdict.detail


@pytest.mark.parametrize(
    ("crossing", "holds"),
    [(2.5, "replicated"), (2.9, "replicated"), (3.0002, "partly"), (3.7, "not replicated")],
)
def test_the_ratio_of_the_snap_is_judged_with_its_interval(
    r: Results, crossing: float, holds: str
) -> None:
    add_row(r, [polygon(5), polygon(5), polygon(5), digons()])
    add_branches(r, crossing)
    verdict = uneven.snap_ratio.judge(r)
    assert verdict.holds == holds
    assert verdict.measured == pytest.approx(crossing, rel=1e-3)
    assert verdict.interval is not None


def test_without_a_crossing_the_ratio_is_not_replicated(r: Results) -> None:
    add_row(r, [polygon(5)] * 4)
    add_branches(r, None)
    assert uneven.snap_ratio.judge(r).holds == "not replicated"


def with_norms(r: Results, norm: float, b: float) -> Verdict:
    bias = torch.full((5,), b)
    add_row(r, [norm * polygon(5)] * 4, biases=[bias] * 4)
    add_toy(r, "sae-target", {0.01: [norm * polygon(5)]}, biases={0.01: [bias]}, base=1.0)
    return uneven.norm_rule.judge(r)


def test_the_printed_rule_of_norm_and_bias_is_replicated_within_five_per_cent(r: Results) -> None:
    assert with_norms(r, 1 / 1.2 * 1.03, -0.2).holds == "replicated"


def test_a_related_rule_is_partly_what_was_claimed(r: Results) -> None:
    verdict = with_norms(r, 1.2**0.5, -0.2)
    assert verdict.holds == "partly"
    assert verdict.measured == pytest.approx(1 - 1 / 1.2 / 1.2**0.5)


def test_norms_that_follow_no_rule_are_not_replicated(r: Results) -> None:
    assert with_norms(r, 1.6, -0.2).holds == "not replicated"


def test_without_pentagons_there_is_no_norm_to_compare(r: Results) -> None:
    add_row(r, [digons()] * 4)
    add_toy(r, "sae-target", {0.01: [digons()]})
    assert uneven.norm_rule.judge(r).measured is None
