"""Each claim about densities is replicated by latents like the paper's and refuted by others."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.charts.synthetic import frame
from tests.claims.sweep_world import add_sweep, points
from tests.claims.world import add_sae, results

from superposition.artefacts import NotTrained
from superposition.claims import densities, measures_frontier
from superposition.results import Results

N = 400


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


def add_latents(
    r: Results,
    *,
    low: float = -5.0,
    high: float = -3.0,
    share: float = 0.5,
    bias: float = 1.0,
    cosine: float = 0.5,
) -> None:
    """Two groups of latents around two densities, of which the rare have a lower `bias`."""
    rng = np.random.default_rng(0)
    is_low = np.arange(N) < share * N
    logs = np.where(is_low, low, high) + 0.2 * rng.standard_normal(N)
    order = rng.permutation(N)
    table = frame(
        "evaluation/latents.parquet",
        N,
        density=np.append(10 ** logs[order][:-1], 0.0),
        encoder_bias=(np.where(is_low, -bias, 0.0) + 0.1 * rng.standard_normal(N))[order],
        encoder_decoder_cosine=cosine + 0.01 * rng.standard_normal(N),
    )
    add_sae(r, "l1", {})
    r.store.save_table(table, "evaluation", "l1", "latents.parquet")


@pytest.mark.parametrize(
    ("low", "share", "holds"),
    [(-5.0, 0.5, "replicated"), (-3.7, 0.5, "partly"), (-3.0, 0.5, "not replicated")],
)
def test_two_groups_of_densities_must_be_a_decade_apart(
    r: Results, low: float, share: float, holds: str
) -> None:
    add_latents(r, low=low, share=share)
    assert densities.bimodal.judge(r).holds == holds


@pytest.mark.parametrize(
    ("bias", "holds"), [(1.0, "replicated"), (0.18, "partly"), (0.0, "not replicated")]
)
def test_rare_latents_must_differ_in_their_bias(r: Results, bias: float, holds: str) -> None:
    add_latents(r, bias=bias)
    assert densities.separated.judge(r).holds == holds


def test_too_few_rare_latents_are_not_told_apart(r: Results) -> None:
    add_latents(r, share=0.02)
    with pytest.raises(NotTrained, match=r"no group of latents of low density: . of 399"):
        densities.separated.judge(r)


@pytest.mark.parametrize(
    ("high", "share", "holds"),
    [(-4.0, 0.5, "replicated"), (-1.0, 0.3, "partly"), (-1.0, 0.1, "not replicated")],
)
def test_most_latents_must_be_rare(r: Results, high: float, share: float, holds: str) -> None:
    add_latents(r, high=high, share=share)
    assert densities.typical.judge(r).holds == holds


@pytest.mark.parametrize(
    ("cosine", "holds"), [(0.5, "replicated"), (0.97, "partly"), (0.995, "not replicated")]
)
def test_encoders_must_point_elsewhere_than_decoders(r: Results, cosine: float, holds: str) -> None:
    add_latents(r, cosine=cosine)
    verdict = densities.untied.judge(r)
    assert verdict.holds == holds
    assert verdict.interval is not None
    assert verdict.interval[0] <= verdict.measured <= verdict.interval[1]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("counts", "holds"),
    [
        ((400, 100, 40), "replicated"),
        ((100, 400, 40), "partly"),
        ((40, 100, 400), "not replicated"),
        ((100, 40), "partly"),
        ((40,), "not replicated"),
    ],
)
def test_dense_latents_must_become_fewer_as_the_coefficient_rises(
    r: Results, counts: tuple[int, ...], holds: str
) -> None:
    levels = tuple(float(index + 1) for index in range(len(counts)))
    table = points(height=0.7, l0=levels, over_one_percent=np.repeat(counts, 3).astype(float))
    add_sweep(r, "l1", table)
    assert densities.over_one_percent.judge(r).holds == holds


def widths(alive: tuple[float, ...], low: tuple[float, ...]) -> pd.DataFrame:
    sizes = (512, 1024, 2048)
    table = points(height=0.7, l0=(30.0,), widths=sizes)
    dead = [1 - n / size for n, size in zip(alive, sizes, strict=True)]
    return table.assign(dead_fraction=np.repeat(dead, 3), density_05=np.repeat(low, 3))


@pytest.mark.parametrize(
    ("alive", "low", "holds"),
    [
        ((500, 1000, 1900), (1e-3, 1e-4, 1e-5), "replicated"),
        ((500, 1000, 1900), (1e-3, 1e-5, 1e-4), "partly"),
        ((500, 400, 300), (1e-3, 1e-4, 1e-5), "not replicated"),
        ((500, 1000, 1900), (1e-5, 1e-4, 1e-3), "not replicated"),
    ],
)
def test_wider_dictionaries_must_have_more_and_rarer_latents(
    r: Results, alive: tuple[float, ...], low: tuple[float, ...], holds: str
) -> None:
    add_sweep(r, "widths", widths(alive, low))
    assert densities.rarer.judge(r).holds == holds


def test_two_components_are_found_where_they_are() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(-6, 0.3, 300), rng.normal(-3, 0.6, 700)])
    found = measures_frontier.mixture(values)
    assert found.means == pytest.approx([-6, -3], abs=0.1)
    assert found.deviations == pytest.approx([0.3, 0.6], abs=0.1)
    assert found.shares == pytest.approx([0.3, 0.7], abs=0.05)
    assert found.separation > 5


def test_a_second_component_is_not_worth_it_for_one_normal_group() -> None:
    values = np.random.default_rng(0).normal(-3, 0.6, 1000)
    assert measures_frontier.mixture(values).bic_gain < 0


def test_the_area_under_the_curve_counts_pairs() -> None:
    rng = np.random.default_rng(0)
    scores, positive = rng.integers(6, size=40).astype(float), rng.random(40) < 0.4
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[positive] for b in scores[~positive]]
    assert measures_frontier.area(scores, positive) == pytest.approx(np.mean(pairs))
    with pytest.raises(NotTrained):
        measures_frontier.area(scores, positive & False)
