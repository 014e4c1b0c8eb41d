"""Tables for the figures of geometry and learning hold what the models are."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.claims.world import add_toy, results
from torch import Tensor

from superposition.results import Results
from superposition.site import drawings
from superposition.toy.theory import polytopes

IDEAL = {name: each.vertices.float() for name, each in polytopes().items()}


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


def model(*names: str) -> Tensor:
    """Ten features in six dimensions; the first ones form these shapes."""
    W, row, column = torch.zeros(10, 6), 0, 0
    for name in names:
        rows, columns = IDEAL[name].shape
        W[row : row + rows, column : column + columns] = IDEAL[name]
        row, column = row + rows, column + columns
    return W


def test_a_graph_has_a_node_for_each_represented_feature_and_edges_within_shapes(
    r: Results,
) -> None:
    add_toy(r, "uniform", {1.0: [model("pentagon", "triangle")], 0.1: [model("digon")]})
    nodes, edges = drawings.graph(r.toy("uniform"))
    assert nodes.groupby("group")["shape"].agg(list).loc[1.0] == ["pentagon"] * 5 + ["triangle"] * 3
    assert edges.groupby("group").size().to_dict() == {1.0: 10 + 3, 0.1: 1}
    assert nodes[["x", "y"]].min().min() >= 0
    assert nodes[["x", "y"]].max().max() <= 1


def test_models_without_represented_features_leave_no_trace_and_no_error(r: Results) -> None:
    add_toy(r, "uniform", {1.0: [0.1 * model("digon")], 0.1: [model("digon")]})
    nodes, _ = drawings.graph(r.toy("uniform"))
    assert set(nodes["group"]) == {0.1}
    found = drawings.dimensionalities(r.toy("uniform"))
    assert found["dimensionality"].tolist() == pytest.approx([0.5, 0.5])


def test_only_the_strongest_edges_are_drawn(r: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawings, "MAX_EDGES", 5)
    add_toy(r, "uniform", {1.0: [model("pentagon")]})
    _, edges = drawings.graph(r.toy("uniform"))
    assert edges["product"].tolist() == pytest.approx([-0.809] * 5, abs=1e-3)


def test_the_ideal_shapes_are_drawn_with_their_names() -> None:
    nodes, _ = drawings.ideal_shapes()
    assert nodes["group"].tolist() == nodes["shape"].tolist()
    assert set(nodes["group"]) == set(IDEAL)


def test_sizes_and_starts_leave_out_what_this_scale_does_not_have(r: Results) -> None:
    add_toy(r, "six", {0.5: [model("pentagon")] * 2, 0.1: [model("digon"), model("pentagon")]})
    measured = drawings.sizes(r, ("six", "seven"), (0.5,))
    assert measured["features_per_dimension"].tolist() == pytest.approx([5 / 6, 5 / 6])
    counted = drawings.starts(r, ("six", "seven"))
    assert counted["n_best"].tolist() == [2, 1]
    assert counted["share"].tolist() == [1.0, 0.5]


def test_levels_show_represented_features_and_a_few_others(r: Results) -> None:
    steps = np.arange(0, 1001, 10).tolist()
    W = torch.stack([model("pentagon")] * len(steps))[:, None]
    W[:50, :, 0] = 0
    add_toy(r, "energy", {0.4: [W[-1, 0]]}, snapshots=(steps, W))
    features, course = drawings.levels(r.toy("energy"))
    assert set(features["feature"]) == set(range(10))
    assert course.loc[course["jumps"] > 0, "step"].tolist() == [500]
    assert len(course) == len(steps)


def test_the_course_of_learning_is_that_of_a_model_with_stages(r: Results) -> None:
    steps = np.arange(0, 1001, 10).tolist()
    octahedron = torch.cat([torch.eye(3), -torch.eye(3)])
    W = torch.stack([octahedron] * len(steps))[:, None]
    add_toy(r, "learning", {0.1: [octahedron]}, snapshots=(steps, W))
    features, course = drawings.learning(r.toy("learning"), 0.1)
    assert features.groupby("set")["feature"].agg(set).tolist() == [{0, 1, 2}, {3, 4, 5}]
    assert len(course) == drawings.N_STEPS
    assert set(course["step"]) == set(features["step"])
    assert course["within"].tolist() == pytest.approx([0] * len(course))
