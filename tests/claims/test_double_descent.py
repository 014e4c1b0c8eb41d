"""Each claim about double descent is replicated by losses that show it and refuted by others."""

from pathlib import Path

import numpy as np
import pytest
from tests.claims import memorisation_world as world
from tests.claims.memorisation_world import Loss, add_memorisation
from tests.claims.world import results

from superposition.claims import double_descent, double_descent_sizes
from superposition.claims import measures_memorisation as measures
from superposition.claims.core import Claim
from superposition.results import Results
from superposition.toy.memorisation_config import Model

SIZES = (10, 30, 100, 300, 1_000)


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


def losses(means: dict[int, float], *, noise: float = 0.001) -> Loss:
    """Test losses by T; those of data set 1 are lower and those of data set 2 higher."""
    shift = {0: 0.0, 1: -1.0, 2: 1.0, 3: 0.0}
    return lambda model: means[model.n_points] + noise * shift[model.data_set]


RISING: dict[int, float] = dict(zip(SIZES, (1.0, 1.01, 1.02, 1.03, 1.04), strict=True))
DESCENT: dict[int, float] = dict(zip(SIZES, (1.0, 1.01, 3.0, 1.2, 0.9), strict=True))


@pytest.mark.parametrize(
    ("at_peak", "end", "holds"),
    [
        ((3.0, 3.1, 2.9, 3.0), 0.9, "replicated"),
        ((3.0, 0.5, 0.5, 0.9), 0.9, "partly"),
        ((1.01, 1.01, 1.01, 1.01), 1.04, "not replicated"),
    ],
)
@pytest.mark.parametrize("claim", [double_descent.double_descent, double_descent.no_label_noise])
def test_a_bump_is_replicated_if_its_interval_is_above_zero(
    r: Results, claim: Claim, at_peak: tuple[float, ...], end: float, holds: str
) -> None:
    def test(model: Model) -> float:
        ends = {10: 1.0, 1_000: end}
        return ends.get(model.n_points, at_peak[model.data_set])

    add_memorisation(r, "data-sizes", world.models((10, 100, 1_000)), test=test)
    assert claim.judge(r).holds == holds


@pytest.mark.parametrize(
    ("density", "means", "holds"),
    [
        (0.01, DESCENT, "replicated"),
        (0.2, DESCENT, "partly"),
        (0.01, RISING, "not replicated"),
    ],
)
def test_regimes_are_looked_for_where_the_paper_has_them(
    r: Results, density: float, means: dict[int, float], holds: str
) -> None:
    team = world.models(SIZES, densities=(density,))
    add_memorisation(r, "data-sizes", team, test=losses(means))
    assert double_descent.three_regimes.judge(r).holds == holds


@pytest.mark.parametrize(
    ("wide", "noise", "holds"),
    [(1.0, 0.0, "replicated"), (1.0, 0.3, "partly"), (-0.5, 0.0, "not replicated")],
)
def test_a_map_needs_regions_where_more_data_or_dimensions_hurt(
    r: Results, wide: float, noise: float, holds: str
) -> None:
    shift = (0.0, 1.0, -1.0, 0.5)

    def test(model: Model) -> float:
        rise = {10: 0.0, 100: 1.0, 1_000: -0.1}[model.n_points]
        width = wide * (model.d_hidden > 2) * (model.n_points == 1_000) - 0.1 * model.d_hidden
        spread = (noise if model.d_hidden > 2 else 0.01) * shift[model.data_set]
        return 2 + rise + width + spread

    team = world.models((10, 100, 1_000), d_hidden=(1, 2, 4, 6))
    add_memorisation(r, "sizes-and-dimensions", team, test=test)
    assert double_descent_sizes.hurtful_map.judge(r).holds == holds


@pytest.mark.parametrize(
    ("left", "holds"), [(0.05, "replicated"), (0.3, "partly"), (0.9, "not replicated")]
)
def test_weight_decay_must_remove_nine_tenths_of_the_bump(
    r: Results, left: float, holds: str
) -> None:
    def test(model: Model) -> float:
        factor = left if model.weight_decay == 1.0 else 1.0
        return 1 + factor * (losses(DESCENT)(model) - 1) if model.n_points == 100 else 0.999

    team = world.models(SIZES, d_hidden=(4,), decays=(0.01, 0.1, 1.0))
    add_memorisation(r, "weight-decay", team, test=test)
    assert double_descent_sizes.weight_decay_kills.judge(r).holds == holds


@pytest.mark.parametrize(
    ("heights", "holds"),
    [
        ((0.1, 0.5, 0.9), "replicated"),
        ((0.1, 0.9, 0.5), "partly"),
        ((0.9, 0.5, 0.1), "not replicated"),
    ],
)
def test_the_bump_must_grow_with_the_updates(
    r: Results, heights: tuple[float, ...], holds: str
) -> None:
    by_steps: dict[int, float] = dict(zip((600, 3_000, 6_000), heights, strict=True))

    def test(model: Model) -> float:
        return 1 + (by_steps[model.n_steps] + 0.001 * model.data_set) * (model.n_points == 100)

    team = world.models(SIZES, d_hidden=(4,), n_steps=(600, 3_000, 6_000))
    add_memorisation(r, "training-length", team, test=test)
    assert double_descent_sizes.more_updates.judge(r).holds == holds


@pytest.mark.parametrize(
    ("by_density", "by_decay", "holds"),
    [
        (True, 1.0, "replicated"),
        (True, 3.0, "partly"),
        (False, 3.0, "not replicated"),
    ],
)
def test_generalising_must_begin_after_as_many_sightings(
    r: Results, by_density: bool, by_decay: float, holds: str
) -> None:
    sizes = (10, 30, 60, 100, 300, 600, 1_000, 3_000, 6_000)

    def begins(T: Loss) -> Loss:
        return lambda model: 1.2 if model.n_points < T(model) else 0.9

    add_memorisation(
        r,
        "sparsities",
        world.models(sizes, densities=(0.1, 0.03, 0.01)),
        test=begins(lambda model: 10 / model.feature_probability if by_density else 200),
    )
    add_memorisation(
        r,
        "onset-and-decay",
        world.models(sizes, densities=(0.03,), decays=(0.001, 0.01, 0.03)),
        test=begins(lambda model: 200 * (by_decay if model.weight_decay > 0.02 else 1)),
    )
    assert double_descent.ten_times_each.judge(r).holds == holds


def test_the_onset_is_interpolated_on_a_logarithmic_scale() -> None:
    T = np.array([10, 100, 1_000])
    assert measures.onset(T, np.array([1.0, 1.1, 0.9])) == pytest.approx(10**2.5)
    assert np.isnan(measures.onset(T, np.array([0.9, 0.9, 0.9])))
    assert np.isnan(measures.onset(T, np.array([0.9, 0.9, 1.1])))


def test_the_bump_is_above_the_higher_end() -> None:
    assert measures.bump(np.array([1.0, 1.5, 1.2])) == pytest.approx(0.3)
    assert measures.bump(np.array([1.0, 1.1, 1.2])) == pytest.approx(-0.1)
