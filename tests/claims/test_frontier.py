"""Each claim about frontiers is replicated by results like the paper's and refuted by others."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.claims.sweep_world import add_sweep, points
from tests.claims.world import add_sae, results

from superposition.artefacts import NotTrained
from superposition.claims import architectures, frontier, measures_frontier
from superposition.claims.core import Claim
from superposition.results import Results


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


@pytest.mark.parametrize(
    ("l0", "chosen", "holds"),
    [
        ((60.0, 30.0, 10.0), 15.0, "replicated"),
        ((60.0, 30.0, 10.0), 40.0, "partly"),
        ((60.0, 10.0, 30.0), 15.0, "not replicated"),
    ],
)
def test_l0_must_fall_with_the_coefficient_and_hit_the_target(
    r: Results, l0: tuple[float, ...], chosen: float, holds: str
) -> None:
    table = points(height=0.7)
    add_sweep(r, "l1", table.assign(l0=np.repeat(l0, 3), level=np.repeat([1.0, 2.0, 3.0], 3)))
    add_sae(r, "l1", {"l0": chosen})
    assert frontier.coefficient.judge(r).holds == holds


@pytest.mark.parametrize(("used", "holds"), [(2_900_000, "replicated"), (9, "replicated")])
def test_activations_are_used_once(r: Results, used: int, holds: str) -> None:
    r.params.tree["activations"] = {"main": {"n_tokens": 3_000_000}}
    for row in ("l1", "batch-topk"):
        r.params.tree["sae"][row] = {}
        r.store.save_json({"n_activations": used}, "sae", row, "metrics.json")
    assert frontier.data.judge(r).holds == holds


def test_activations_used_twice_refute_the_arithmetic(r: Results) -> None:
    r.params.tree["activations"] = {"main": {"n_tokens": 1_000}}
    for row in ("l1", "batch-topk"):
        r.params.tree["sae"][row] = {}
        r.store.save_json({"n_activations": 2_000}, "sae", row, "metrics.json")
    assert frontier.data.judge(r).holds == "not replicated"


def lines(*, wider: float, steeper: float = 0.1) -> pd.DataFrame:
    """Three widths at three coefficients: the smaller, the denser and the more is recovered."""
    table = points(height=0.7, widths=(512, 2048, 4096), wider=wider)
    level = 1 / table["l0"]
    rises = steeper * np.log(table["l0"] / 10)
    recovered = table["loss_recovered_zero"] - 0.1 * np.log(table["l0"] / 10) + rises
    return table.assign(level=level, loss_recovered_zero=recovered)


@pytest.mark.parametrize(
    ("wider", "steeper", "recovered", "equal_l0"),
    [
        (0.02, 0.1, "replicated", "replicated"),
        (-0.02, 0.1, "not replicated", "not replicated"),
        (0.02, -0.1, "not replicated", "replicated"),
    ],
)
def test_width_and_small_coefficients_must_recover_more(
    r: Results, wider: float, steeper: float, recovered: str, equal_l0: str
) -> None:
    add_sweep(r, "widths-l1", lines(wider=wider, steeper=steeper))
    assert frontier.most_recovered.judge(r).holds == recovered
    assert frontier.frontier.judge(r).holds == equal_l0


def test_a_width_in_the_middle_that_falls_back_is_only_partly_a_frontier(r: Results) -> None:
    table = lines(wider=0.02)
    middle = table["d_sae"] == 2048
    lowered = table["loss_recovered_zero"].where(~middle, table["loss_recovered_zero"] - 0.03)
    add_sweep(r, "widths-l1", table.assign(loss_recovered_zero=lowered))
    assert frontier.frontier.judge(r).holds == "partly"


def test_zero_ablation_is_judged_partly_at_best(r: Results) -> None:
    for row in frontier.SWEEPS:
        add_sweep(r, row, points(height=0.7))
    assert frontier.zero_ablation.judge(r).holds == "partly"
    table = points(height=0.7)
    add_sweep(r, "gated", table.assign(loss_recovered_mean=table["loss_recovered_zero"] + 0.1))
    again = Results(r.params, r.store)
    verdict = frontier.zero_ablation.judge(again)
    assert (verdict.holds, verdict.measured) == ("not replicated", "63 of 72")


PAIRS: tuple[tuple[Claim, str, str, float, str], ...] = (
    (architectures.batch_topk_over_topk, "batch-topk", "topk", 0.05, "replicated"),
    (architectures.batch_topk_over_topk, "batch-topk", "topk", 0.0, "partly"),
    (architectures.batch_topk_over_topk, "batch-topk", "topk", -0.05, "not replicated"),
    (architectures.topk_over_l1, "topk", "l1", 0.05, "replicated"),
    (architectures.topk_over_l1, "topk", "l1", -0.05, "not replicated"),
    (architectures.gated_over_l1, "gated", "l1", 0.05, "replicated"),
    (architectures.gated_over_l1, "gated", "l1", -0.005, "partly"),
    (architectures.gated_over_l1, "gated", "l1", -0.05, "not replicated"),
    (architectures.matryoshka, "matryoshka", "batch-topk", -0.02, "replicated"),
    (architectures.matryoshka, "matryoshka", "batch-topk", -0.2, "partly"),
    (architectures.matryoshka, "matryoshka", "batch-topk", 0.02, "not replicated"),
    (architectures.april, "l1-april", "l1", 0.05, "replicated"),
    (architectures.april, "l1-april", "l1", -0.05, "partly"),
)


@pytest.mark.parametrize(("claim", "row", "other", "better", "holds"), PAIRS)
def test_one_architecture_above_another_is_judged_by_its_frontier(
    r: Results, claim: Claim, row: str, other: str, better: float, holds: str
) -> None:
    table = points(height=0.7 + better)
    seeds = 0.002 * (table["seed"] == 1)  # so that differences have a spread
    add_sweep(r, row, table.assign(explained_variance=table["explained_variance"] + seeds))
    add_sweep(r, other, points(height=0.7, l0=(12.0, 25.0, 70.0)))
    verdict = claim.judge(r)
    assert verdict.holds == holds
    assert verdict.interval is None or verdict.interval[0] < verdict.interval[1]


def test_dead_latents_and_a_worse_frontier_refute_april(r: Results) -> None:
    add_sweep(r, "l1-april", points(height=0.6, dead_fraction=0.3))
    add_sweep(r, "l1", points(height=0.7))
    assert architectures.april.judge(r).holds == "not replicated"


@pytest.mark.parametrize(
    ("topk", "gated", "holds"),
    [(0.7, 0.7, "replicated"), (0.8, 0.7, "partly"), (0.8, 0.8, "not replicated")],
)
def test_jumprelu_must_be_as_good_as_both(
    r: Results, topk: float, gated: float, holds: str
) -> None:
    for row, height in {"jumprelu": 0.7, "topk": topk, "gated": gated}.items():
        add_sweep(r, row, points(height=height))
    assert architectures.jumprelu.judge(r).holds == holds


def test_the_gap_of_parallel_lines_is_their_distance_wherever_their_points_lie(r: Results) -> None:
    add_sweep(r, "one", points(height=0.75, l0=(10.0, 30.0, 60.0)))
    add_sweep(r, "two", points(height=0.7, l0=(5.0, 20.0, 100.0)))
    found = measures_frontier.gap(r, "one", "two", "explained_variance")
    assert found.by_seed == pytest.approx([0.05] * 3)
    assert (found.low_l0, found.high_l0) == pytest.approx((10.0, 60.0))


def test_frontiers_without_a_common_l0_are_not_compared(r: Results) -> None:
    add_sweep(r, "one", points(height=0.75, l0=(10.0, 20.0)))
    add_sweep(r, "two", points(height=0.7, l0=(30.0, 60.0)))
    with pytest.raises(NotTrained, match="no level of sparsity that both have"):
        measures_frontier.gap(r, "one", "two", "explained_variance")


def test_points_that_diverged_or_collapsed_are_left_out_of_frontiers(r: Results) -> None:
    table = points(height=0.7)
    broken = table.assign(
        explained_variance=table["explained_variance"].where(table.index != 0),
        l0=table["l0"].where(table.index != 4, 0.0),
    )
    add_sweep(r, "one", broken)
    add_sweep(r, "two", points(height=0.6))
    found = measures_frontier.gap(r, "one", "two", "explained_variance")
    assert found.by_seed == pytest.approx([0.1, 0.1, 0.1], abs=0.01)


def test_an_autoencoder_of_which_nothing_was_measured_is_no_frontier(r: Results) -> None:
    add_sweep(r, "l1", points(height=0.7, l0=(10.0,)).assign(explained_variance=np.nan))
    with pytest.raises(NotTrained, match="nothing measured in the sweep l1"):
        measures_frontier.by_level(r, "l1", "explained_variance")
