"""The table of attacks: what it holds, whom it leaves out, and what it measures against."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.toy.conftest import instances_of
from torch import Tensor

from superposition.core.store import schema
from superposition.toy import robustness
from superposition.toy.robustness import Models, RobustnessConfig

CPU = torch.device("cpu")
CONFIG = RobustnessConfig(models="some", attack_norm=0.1, n_samples=200, seed=0)


def models(W: dict[float, list[Tensor]], *, lost: tuple[int, ...] = ()) -> Models:
    stacked = torch.stack([one for density in W.values() for one in density])
    table = instances_of({p: len(density) for p, density in W.items()}, lost=lost)
    return Models(stacked, torch.zeros(stacked.shape[:2]), table)


def digons() -> Tensor:
    """Six features in three dimensions, two in each, opposite each other."""
    return torch.cat([torch.eye(3), -torch.eye(3)])


def test_a_model_without_superposition_has_vulnerability_1_and_one_feature_per_dimension():
    table = robustness.attack_all(CONFIG, models({0.5: [torch.eye(6, 3)]}), device=CPU)
    on_features = table.loc[table["attack"] == "feature"]
    assert on_features["vulnerability"].tolist() == pytest.approx([1.0], rel=1e-4)
    assert on_features["features_per_dimension"].tolist() == pytest.approx([1.0])
    assert list(table.columns) == list(schema()["robustness/attacks.parquet"])


def test_superposition_makes_a_model_more_vulnerable():
    table = robustness.attack_all(CONFIG, models({0.9: [torch.eye(6, 3), digons()]}), device=CPU)
    plain, shared = table.loc[table["attack"] == "feature", "vulnerability"].tolist()
    assert shared > 1.3 * plain
    assert robustness.summary(table)["max_features_per_dimension"] == pytest.approx(2.0)


def test_models_that_diverged_are_left_out_and_the_others_keep_their_numbers():
    given = models({0.5: [torch.eye(6, 3)] * 2, 0.1: [digons()] * 2}, lost=(1,))
    table = robustness.attack_all(CONFIG, given, device=CPU)
    assert table["instance"].tolist() == [0] * 3 + [2] * 3 + [3] * 3
    assert table["attack"].tolist() == [*robustness.ATTACKS] * 3


def test_the_same_seed_gives_the_same_bits():
    given = models({0.5: [digons()], 0.1: [digons()]})
    first, second = (robustness.attack_all(CONFIG, given, device=CPU) for _ in range(2))
    assert first.equals(second)


def test_silent_outputs_and_missing_gradients_are_counted():
    given = models({0.5: [torch.eye(6, 3)]})
    silent = Models(given.W, given.b - 2, given.instances)
    table = robustness.attack_all(CONFIG, silent, device=CPU)
    assert set(table["silent_share"]) == {1.0}
    assert set(table["no_gradient_share"]) == {1.0}
    assert set(table["harmed_share"]) == {0.0}


def test_a_profile_begins_with_the_largest_change_and_says_its_sign():
    found = robustness.profiles({0.5: digons().numpy(), 1.0: torch.eye(6, 3).numpy()})
    rows = found.loc[found["feature_probability"] == 0.5]
    assert sorted(rows["change"].round(4).tolist()[:2]) == pytest.approx([-0.7071, 0.7071])
    assert found.loc[found["feature_probability"] == 1.0, "change"].tolist()[:2] == [1.0, 0.0]


@pytest.mark.parametrize("changes", [{"attack_norm": 0.0}, {"n_samples": 1}])
def test_a_wrong_parameter_is_refused_by_name(changes: dict[str, Any]):
    with pytest.raises(ValueError, match=next(iter(changes))):
        replace(CONFIG, **changes)
