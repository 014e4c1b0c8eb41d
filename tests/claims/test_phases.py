"""Phase diagrams made by hand: as theory has them, in pieces, blurred, and another one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tests.claims.world import Condition, add_toy, results
from torch import Tensor

from superposition.claims import measures_phases, phases
from superposition.results import Results
from superposition.toy import phases as theory
from superposition.toy.phases import THREE_IN_TWO, TWO_IN_ONE, World

PS = np.geomspace(0.01, 1, 8)[::-1]
RS = np.geomspace(0.1, 10, 8)
Choose = Callable[[str, float, float], Tensor]


@pytest.fixture
def r(tmp_path: Path) -> Results:
    r = results(tmp_path)
    add_theory(r)
    return r


def ideal(world: World) -> dict[str, Tensor]:
    return dict(zip(world.phases, theory.ideal_weights(world), strict=True))


def add_theory(r: Results, *, error: float = 0.0) -> None:
    """Closed forms that agree with samples up to a relative `error`, and ideal optima."""
    forms = pd.DataFrame(
        {
            "world": ["two-in-one", "three-in-two"],
            "feature_probability": 0.5,
            "relative_importance": 1.0,
            "bias": True,
            "phase": "superposition",
            "loss": 1.0 + error,
            "standard_error": 1e-5,
            "theory": 1.0,
        }
    )
    r.store.save_table(forms, "theory", "closed_forms.parquet")
    r.store.save_table(optima(), "theory", "optima.parquet")


def optima(*, confused_below: float = 0.5, tie: float = 1 / 12) -> pd.DataFrame:
    """Exact optima on the cells and along r = 1: a sum down to a density, and then a pair."""
    importance = np.append(RS, 1.0)
    found = theory.phase_diagram(TWO_IN_ONE, PS, importance, bias=True)
    W = np.stack([ideal(TWO_IN_ONE)[phase][:, 0].numpy() for phase in found["phase"]])
    biased = found.assign(bias=True, w1=W[:, 0], w2=W[:, 1])
    free = biased.loc[biased["relative_importance"] == 1.0].assign(bias=False)
    dense = (free["feature_probability"] > confused_below).to_numpy()
    half = np.sqrt(0.5)
    free = free.assign(
        w1=np.where(dense, half, 1.0),
        w2=np.where(dense, half, -1.0),
        phase=np.where(dense, "confused", "superposition"),
        loss=np.where(free["feature_probability"] == 1.0, 1 / 12, free["loss"]),
    )
    biased.loc[
        (biased["feature_probability"] == 1) & (biased["relative_importance"] == 1), "loss"
    ] = tie
    columns = ["bias", "feature_probability", "relative_importance", "w1", "w2", "loss", "phase"]
    return pd.concat([free, biased], ignore_index=True).loc[:, columns]


def as_theory(phase: str, p: float, r: float) -> Tensor:
    return ideal(TWO_IN_ONE)[phase]


def train(
    r: Results, row: str, world: World, choose: Choose, *, others: Tensor | None = None
) -> None:
    """Models of every cell, two starts: the best one as chosen, the other as chosen or `others`."""
    found = theory.phase_diagram(world, PS, RS, bias=True)
    models = {}
    for p, importance, phase in found[
        ["feature_probability", "relative_importance", "phase"]
    ].itertuples(index=False):
        W = choose(phase, p, importance)
        models[p, importance, 1.0, 0.0] = [W, W if others is None else others]
    add_toy(r, row, models, base=1.0)


def test_a_map_as_theory_has_it_is_replicated(r: Results) -> None:
    train(r, "phase-two-in-one", TWO_IN_ONE, as_theory, others=torch.ones(2, 1))
    verdict = phases.two_in_one.judge(r)
    assert verdict.holds == "replicated"
    assert verdict.measured == 1.0
    assert "in the phase of the best one, which is alone in 64 of 64 cells" in verdict.detail
    assert "100% of the cells have the phase of the exact optimum" in verdict.detail


def test_a_phase_in_two_pieces_is_partly_and_a_missing_phase_is_not(r: Results) -> None:
    island = (PS[0], RS[-1])

    def torn(phase: str, p: float, importance: float) -> Tensor:
        return ideal(TWO_IN_ONE)["not represented" if (p, importance) == island else phase]

    train(r, "phase-two-in-one", TWO_IN_ONE, torn)
    assert phases.two_in_one.judge(r).holds == "partly"


@pytest.mark.parametrize("missing", TWO_IN_ONE.phases)
def test_without_one_of_the_phases_the_map_is_not_replicated(r: Results, missing: str) -> None:
    def without(phase: str, p: float, importance: float) -> Tensor:
        return torch.full((2, 1), 0.7) if phase == missing else ideal(TWO_IN_ONE)[phase]

    train(r, "phase-two-in-one", TWO_IN_ONE, without)
    assert phases.two_in_one.judge(r).holds == "not replicated"


def test_a_jump_of_the_weight_is_replicated_and_a_slow_growth_is_not(r: Results) -> None:
    train(r, "phase-two-in-one", TWO_IN_ONE, as_theory)
    verdict = phases.first_order.judge(r)
    assert verdict.holds == "replicated"
    assert verdict.measured == pytest.approx(1)

    def slow(phase: str, p: float, importance: float) -> Tensor:
        return torch.tensor([[1.0], [np.log(p) / np.log(0.01) * -1.0]])

    again = results(r.store.root)
    train(again, "phase-two-in-one", TWO_IN_ONE, slow)
    assert phases.first_order.judge(again).holds == "not replicated"


def test_a_jump_at_three_of_four_importances_is_partly_there(r: Results) -> None:
    def mostly(phase: str, p: float, importance: float) -> Tensor:
        flat = importance == RS[0]
        return torch.tensor([[1.0], [-0.4]]) if flat else ideal(TWO_IN_ONE)[phase]

    train(r, "phase-two-in-one", TWO_IN_ONE, mostly)
    assert phases.first_order.judge(r).holds == "partly"


def test_three_features_as_theory_has_them_are_replicated(r: Results) -> None:
    train(r, "phase-three-in-two", THREE_IN_TWO, lambda phase, p, _: ideal(THREE_IN_TWO)[phase])
    assert phases.three_in_two.judge(r).holds == "replicated"


def triangle() -> Tensor:
    angles = torch.arange(3) * 2 * torch.pi / 3
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def test_triangles_in_place_of_pairs_are_partly_there_and_elsewhere_not(r: Results) -> None:
    def joint(phase: str, p: float, importance: float) -> Tensor:
        return triangle() if phase == "superposition" else ideal(THREE_IN_TWO)[phase]

    train(r, "phase-three-in-two", THREE_IN_TWO, joint)
    verdict = phases.three_in_two.judge(r)
    assert verdict.holds == "partly"
    assert "all three share" in verdict.detail
    again = results(r.store.root)
    train(again, "phase-three-in-two", THREE_IN_TWO, lambda *_: triangle())
    assert phases.three_in_two.judge(again).holds == "not replicated"


def test_closed_forms_that_samples_contradict_are_not_replicated(r: Results) -> None:
    add_theory(r, error=0.01)
    train(r, "phase-three-in-two", THREE_IN_TWO, lambda phase, p, _: ideal(THREE_IN_TWO)[phase])
    assert phases.three_in_two.judge(r).holds == "not replicated"
    assert phases.two_in_one_theory.judge(r).holds == "not replicated"


def test_the_theory_of_phases_agrees_with_integration(r: Results) -> None:
    verdict = phases.two_in_one_theory.judge(r)
    assert verdict.holds == "replicated"
    assert isinstance(verdict.measured, float)
    assert verdict.measured < 1e-4


def test_a_wrong_closed_form_is_not_replicated_and_a_wrong_border_only_partly(r: Results) -> None:
    def losses(world: World, p: float, importance: float, *, bias: bool) -> np.ndarray:
        return theory.losses(world, p, importance, bias=bias) * np.array([1, 1.01, 1])

    def borders(world: World, importance: float, *, bias: bool) -> theory.Boundaries:
        right = theory.boundaries(world, importance, bias=bias)
        return right._replace(dedicated=1.02 * right.dedicated)

    wrong = phases.check_two_in_one(r, losses, theory.boundaries)
    assert wrong.holds == "not replicated"
    assert phases.check_two_in_one(r, theory.losses, borders).holds == "partly"


def test_the_confused_feature_is_replicated_partly_or_not(r: Results) -> None:
    assert phases.confused_feature.judge(r).holds == "replicated"
    r.store.save_table(optima(tie=1 / 14), "theory", "optima.parquet")
    assert phases.confused_feature.judge(r).holds == "partly"
    r.store.save_table(optima(confused_below=2.0), "theory", "optima.parquet")
    assert phases.confused_feature.judge(r).holds == "not replicated"


def blank(*_: object) -> Tensor:
    return torch.zeros(2, 1)


def linear(phase: str, p: float, importance: float) -> Tensor:
    return ideal(TWO_IN_ONE)["not represented" if importance < 1 else "dedicated dimension"]


@pytest.mark.parametrize(
    ("gelu", "without", "holds"),
    [
        (linear, linear, "replicated"),
        (as_theory, linear, "partly"),
        (blank, as_theory, "partly"),
        (as_theory, as_theory, "not replicated"),
    ],
)
def test_other_activations_differ_or_not(
    r: Results, gelu: Choose, without: Choose, holds: str
) -> None:
    train(r, "phase-two-in-one", TWO_IN_ONE, as_theory)
    train(r, "phase-gelu", TWO_IN_ONE, gelu)
    train(r, "phase-linear", TWO_IN_ONE, without)
    assert phases.activation_dependence.judge(r).holds == holds


def test_models_that_diverged_are_no_best_start(r: Results) -> None:
    models: dict[Condition, list[Tensor]] = {
        (float(p), float(q), 1.0, 0.0): [torch.ones(2, 1), torch.eye(2, 1)]
        for p in PS[:2]
        for q in RS[:2]
    }
    losses: dict[Condition, list[float]] = {condition: [float("nan"), 1.0] for condition in models}
    add_toy(r, "phase-two-in-one", models, losses=losses, base=1.0)
    found = measures_phases.phase_map(r.toy("phase-two-in-one"), TWO_IN_ONE)
    assert set(found.cells["phase"]) == {"not represented"}


def grid(*rows: str) -> pd.DataFrame:
    """Cells with the phases N and S, from dense (first row) to sparse."""
    names = {"N": "not represented", "S": "superposition"}
    return pd.DataFrame(
        [
            (0.5**i, 2.0**j, names[letter], names[letter])
            for i, row in enumerate(rows)
            for j, letter in enumerate(row)
        ],
        columns=["feature_probability", "relative_importance", "phase", "theory"],
    )


def test_cells_that_touch_at_a_corner_are_one_piece() -> None:
    assert measures_phases.pieces(grid("SNN", "NSN", "NNN"), "superposition") == 1
    assert measures_phases.pieces(grid("SNS", "NNN", "NNS"), "superposition") == 3
    assert measures_phases.pieces(grid("NN", "NN"), "superposition") == 0


def test_the_band_along_a_border_is_one_cell_wide_on_either_side() -> None:
    inner = measures_phases.away_from_borders(grid("NNSS", "NNSS"))
    assert inner.tolist() == [True, False, False, True] * 2


def test_a_cell_between_two_phases_of_a_finer_grid_is_unlike_neither() -> None:
    fine = grid("NNS", "NNS")
    between = pd.DataFrame(
        {
            "feature_probability": [0.7, 0.7, 0.7],
            "relative_importance": [3.0, 3.0, 1.5],
            "phase": ["superposition", "not represented", "superposition"],
        }
    )
    assert measures_phases.unlike_nearby(between, fine).tolist() == [False, False, True]
