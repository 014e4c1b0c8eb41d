"""Each claim about memorisation is replicated by models that show it and refuted by others."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.claims import memorisation_world as world
from tests.claims.memorisation_world import add_memorisation, corners, pentagon
from tests.claims.world import results

from superposition.claims import double_descent, memorisation, memorisation_variants
from superposition.claims import measures_memorisation as measures
from superposition.results import Results
from superposition.toy.memorisation_config import Model

SIZES = (5, 10, 30, 100, 300, 1_000, 3_000)
NORMS = {5: 3.0, 10: 6.0, 30: 9.0, 100: 7.0, 300: 5.0, 1_000: 3.0, 3_000: 2.3}


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


def bump(height: float, *, end: float = 0.98):
    """Test losses of 1 up to T = 10, `end` from T = 1,000 on, and higher between; noisy."""

    def loss(model: Model) -> float:
        noise = 0.001 * model.data_set
        if model.n_points <= 10:
            return 1 + noise
        return end + noise if model.n_points >= 1_000 else 1 + height * (1 + noise)

    return loss


def test_the_setup_is_that_of_the_paper_and_a_constant_rate_is_not() -> None:
    right = memorisation.check_setup(memorisation.memorisation.rate)
    assert right.holds == "replicated"
    wrong = memorisation.check_setup(lambda config, step, n_steps: 1.0)
    assert wrong.holds == "not replicated"


@pytest.mark.parametrize(
    ("bent", "holds"), [(0.0, "replicated"), (0.1, "partly"), (0.3, "not replicated")]
)
def test_points_on_regular_polygons_are_replicated(r: Results, bent: float, holds: str) -> None:
    def vectors(model: Model) -> NDArray[np.float64]:
        return corners(model.n_points, bent=bent if model.start == 0 else 0.9)

    team = world.models((3, 5, 10), n_data_sets=1, n_starts=3)
    add_memorisation(r, "polygons", team, vectors=vectors)
    verdict = memorisation.datapoints_as_polygons.judge(r)
    assert verdict.holds == holds
    assert verdict.measured == pytest.approx(bent, abs=1e-5)


@pytest.mark.parametrize(
    ("inner", "few", "holds"),
    [(1.0, 1.0, "replicated"), (0.5, 1.0, "partly"), (0.5, 0.5, "not replicated")],
)
def test_points_of_one_polygon_have_their_share_of_the_plane(
    r: Results, inner: float, few: float, holds: str
) -> None:
    team, small = world.models((5, 10, 30, 100)), world.models((3, 10), n_data_sets=1)
    for row, models, radius in (("data-sizes", team, inner), ("polygons", small, few)):
        add_memorisation(
            r,
            row,
            models,
            vectors=lambda model, radius=radius: corners(model.n_points, inner=radius),
        )
    assert memorisation.data_point_dimensionality.judge(r).holds == holds


def test_the_closed_form_memorises_and_a_scaled_one_does_not() -> None:
    assert memorisation.check_polygons(measures.regular).holds == "replicated"

    def smaller(T: int) -> tuple[NDArray[np.float64], float]:
        W, b = measures.regular(T)
        return 0.99 * W, b

    assert memorisation.check_polygons(smaller).holds == "not replicated"


@pytest.mark.parametrize(
    ("norms", "holds"),
    [
        (NORMS, "replicated"),
        (NORMS | {300: 20.0}, "partly"),
        (NORMS | {3_000: 8.0}, "not replicated"),
        (NORMS | {5: 30.0}, "not replicated"),
    ],
)
def test_norms_that_peak_and_decline_are_replicated(
    r: Results, norms: dict[int, float], holds: str
) -> None:
    add_memorisation(
        r, "data-sizes", world.models(SIZES), W_norm=lambda model: norms[model.n_points]
    )
    assert memorisation.norm_trend.judge(r).holds == holds


@pytest.mark.parametrize(
    ("sixth", "holds"), [(0.1, "replicated"), (0.3, "partly"), (0.8, "not replicated")]
)
def test_a_pentagon_that_stands_out_is_replicated(r: Results, sixth: float, holds: str) -> None:
    add_memorisation(
        r,
        "data-sizes",
        world.models((10, 3_000), n_data_sets=2),
        directions=lambda model: pentagon(sixth=sixth),
    )
    assert memorisation.pentagon_at_large_data.judge(r).holds == holds


def test_the_papers_own_world_is_judged_where_it_was_run(r: Results) -> None:
    add_memorisation(r, "data-sizes", world.models(SIZES), test=bump(0.1))
    add_memorisation(r, "data-sizes-of-the-paper", world.models(SIZES), test=bump(0.0, end=1.0))
    assert double_descent.double_descent.judge(r).holds == "not replicated"


@pytest.mark.parametrize(
    ("height", "end", "sixth", "holds"),
    [
        (0.1, 0.98, 0.1, "replicated"),
        (0.1, 0.98, 0.9, "partly"),
        (-0.1, 1.1, 0.9, "not replicated"),
    ],
)
def test_the_smaller_world_needs_polygons_a_pentagon_and_double_descent(
    r: Results, height: float, end: float, sixth: float, holds: str
) -> None:
    add_memorisation(
        r,
        "data-sizes",
        world.models(SIZES),
        test=bump(height, end=end),
        directions=lambda _: pentagon(sixth=sixth),
    )
    verdict = memorisation_variants.smaller_world.judge(r)
    assert verdict.holds == holds


@pytest.mark.parametrize(
    ("two", "worse", "holds"),
    [({1, 2, 3}, 0.5, "replicated"), ({1}, 0.0, "partly"), (set(), 0.5, "not replicated")],
)
def test_two_circles_are_replicated_if_they_are_failures(
    r: Results, two: set[int], worse: float, holds: str
) -> None:
    add_memorisation(
        r,
        "starts",
        world.models((6, 10), n_steps=(500, 5_000), n_data_sets=1, n_starts=8),
        train=lambda model: 0.1 + worse * (model.start in two) + 1e-3 * model.start,
        vectors=lambda model: corners(model.n_points, inner=0.6 if model.start in two else 1.0),
    )
    assert memorisation_variants.two_circles.judge(r).holds == holds


@pytest.mark.parametrize(
    ("constant", "batches", "shorter", "holds"),
    [
        (0.3, 0.2, 0.4, "replicated"),
        (0.3, 0.0, 0.4, "partly"),
        (0.0, 0.0, 0.0, "not replicated"),
    ],
)
def test_each_ablation_must_bend_the_polygons(
    r: Results, constant: float, batches: float, shorter: float, holds: str
) -> None:
    def bent(by: float):
        return lambda model: corners(model.n_points, bent=by if model.n_steps == 5_000 else shorter)

    long = world.models((6, 10), n_data_sets=1, n_starts=4)
    both = world.models((6, 10), n_steps=(500, 5_000), n_data_sets=1, n_starts=4)
    add_memorisation(r, "starts", both, vectors=bent(0.0))
    add_memorisation(r, "constant-rate", long, vectors=bent(constant))
    add_memorisation(r, "batches-of-two", long, vectors=bent(batches))
    assert memorisation_variants.full_batch_needed.judge(r).holds == holds


@pytest.mark.parametrize(
    ("small", "large", "holds"),
    [(0.02, 0.3, "replicated"), (0.02, 0.05, "partly"), (0.3, 0.1, "not replicated")],
)
def test_the_tutorials_constants_lead_from_points_to_features(
    r: Results, small: float, large: float, holds: str
) -> None:
    add_memorisation(
        r,
        "data-sizes",
        world.models(SIZES),
        share=lambda model: large if model.n_points == 3_000 else small,
    )
    assert memorisation_variants.arena_constants.judge(r).holds == holds


def test_the_deviations_of_a_polygon_are_those_it_was_given() -> None:
    found = measures.polygon(corners(8, bent=0.2))
    assert found.gap_error == pytest.approx(0.2, abs=1e-5)
    assert found.radius_spread == pytest.approx(0, abs=1e-9)
    assert measures.polygon(corners(8)).share_error == pytest.approx(0, abs=1e-9)


def test_two_circles_need_two_points_each() -> None:
    assert measures.on_two_circles(np.array([1.0, 1.0, 1.0, 2.0, 2.0]))
    assert not measures.on_two_circles(np.array([1.0, 1.0, 1.0, 1.0, 2.0]))
