"""Tables of neurons from models made by hand."""

from pathlib import Path

import pytest
import torch
from tests.claims.world import Condition, add_toy, results
from torch import Tensor

from superposition import neuron_tables
from superposition.results import Results


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


def two_neurons() -> Tensor:
    """The second neuron holds feature 1 alone, the first one features 2 and 3."""
    return torch.tensor([[0.0, 1.0], [0.9, 0.0], [-0.6, 0.01]])


def test_weights_come_with_neurons_in_the_order_of_their_main_feature(r: Results) -> None:
    add_toy(r, "a", {0.1: [two_neurons()]})
    table = neuron_tables.weights(r.toy("a"))
    keys = table[["layer", "neuron", "feature"]].itertuples(index=False, name=None)
    weight = dict(zip(keys, table["weight"], strict=True))
    assert weight["in", 1, 1] == 1
    assert weight["in", 2, 3] == pytest.approx(-0.6)
    assert weight["out", 2, 2] == pytest.approx(0.9)
    both = neuron_tables.compared(first=r.toy("a"), the_other=r.toy("a"))
    assert both["model"].unique().tolist() == ["first", "the other"]


def test_rectangles_of_a_neuron_lie_on_top_of_each_other_by_sign(r: Results) -> None:
    add_toy(r, "a", {0.1: [two_neurons()]})
    table = neuron_tables.stacks(r.toy("a"))
    assert table["kind"].tolist() == ["monosemantic", "polysemantic", "polysemantic"]
    assert table[["low", "high"]].to_numpy().tolist() == [[0, 1], [0, 0.9], [0, -0.6]]
    relative = neuron_tables.stacks(r.toy("a"), rescale=True)
    assert relative["high"].tolist() == pytest.approx([1, 1, 1.667])


def test_starts_are_counted_by_their_monosemantic_neurons(r: Results) -> None:
    one, two = two_neurons(), torch.eye(3, 2)
    add_toy(r, "a", {0.1: [one, two, two]})
    table = neuron_tables.monosemantic(r.toy("a"))
    columns = ["n_monosemantic", "starts", "best"]
    assert table[columns].to_numpy().tolist() == [[1, 1, True], [2, 2, False]]


def test_losses_are_relative_to_the_linear_model(r: Results) -> None:
    for row, loss in (("relu", 3.0), ("biased", 2.2), ("linear", 2.0)):
        add_toy(r, row, {0.1: [two_neurons()]}, losses={0.1: [loss]})
    table = neuron_tables.escape(*map(r.toy, ("relu", "biased", "linear")))
    assert table["hidden"].tolist() == ["ReLU", "ReLU and bias"]
    assert table["relative_loss"].tolist() == pytest.approx([1.5, 1.1])


def test_second_weights_and_counts_of_absolute_values(r: Results) -> None:
    W = torch.tensor([[1.0, -1.0, 0.0], [0.0, 0.0, 2.0], [0.0, 0.0, -1.0]])
    add_toy(r, "a", {0.1: [W]}, W_out={0.1: [W.abs()]})
    table = neuron_tables.polysemanticity(r.toy("a"))
    assert table["second"].tolist() == [0, 0, 0.5]
    assert table["main_feature"].tolist() == [1, 1, 2]
    assert neuron_tables.computed(r.toy("a"))["count"].tolist()[0] == 1


def test_a_motif_is_shown_as_in_the_papers_example_however_it_is_scaled(r: Results) -> None:
    W, W_out = torch.zeros(2, 2), torch.zeros(2, 2)
    W[:, 0], W_out[:, 0] = torch.tensor([-6.0, 1.5]), torch.tensor([0.5, 2.0]) / 3
    W[0, 1], W_out[1, 1] = -2, -2
    add_toy(r, "a", {0.1: [W], 0.01: [W.abs()]}, W_out={0.1: [W_out], 0.01: [W_out.abs()]})
    table = neuron_tables.motifs(r.toy("a"))
    assert table["circuit"].unique().tolist() == ["the paper's example", "trained, p = 0.1"]
    example, trained = table["weight"].to_numpy().reshape(2, 8)
    assert trained == pytest.approx(example)


def test_every_model_with_a_penalty_is_measured(r: Results) -> None:
    models: dict[Condition, list[Tensor]] = {
        (0.1, 1.0, 1.0, l1): [two_neurons(), two_neurons()] for l1 in (0.0, 0.01)
    }
    add_toy(r, "a", models)
    table = neuron_tables.penalised(r.toy("a"))
    assert len(table) == 2 * 2 * 3
    represented = table.loc[table["measure"] == "features represented", "value"]
    shared = table.loc[table["measure"] == "of these, in superposition", "value"]
    assert set(represented) == {3.0}
    assert set(shared) == {2.0}
