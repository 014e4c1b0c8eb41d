"""The numbers of the chapter on known features, and the tables of its figures."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.claims.known_world import add_comparison, curve
from tests.claims.world import results

from superposition import known_tables
from superposition.prose import toy_saes
from superposition.results import Results
from superposition.values import NOT_RUN

EIGHT = [1.0] * 8


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


def test_what_was_not_run_is_said_of_every_value(r: Results) -> None:
    texts = toy_saes.texts(r)
    assert set(texts.values()) == {NOT_RUN}
    assert {"known_bridge_best", "known_mixed_l0_best_k", "known_dead_steps"} <= set(texts)


def test_the_best_and_the_worst_architecture_are_named_with_intervals(r: Results) -> None:
    shared = {"true_l0": [3.0] * 8, "n_features": [50] * 8}
    columns = {
        "l1": shared | {"matched_cosine": [0.8] * 8},
        "topk": shared | {"matched_cosine": [0.9] * 8},
    }
    add_comparison(r, "architectures", columns)
    texts = toy_saes.texts(r)
    assert (texts["known_bridge_best"], texts["known_bridge_worst"]) == ("topk", "l1")
    assert texts["known_bridge_best_cosine"] == "0.900 (0.900 to 0.900)"
    assert texts["known_bridge_features"] == "50"


def test_values_of_the_pentagon_count_complete_instances(r: Results) -> None:
    names = ("none", "random", "loss-weighted", "tied", "ten-latents")
    trace = {name: curve([0, 10, 20], EIGHT[:3], [0, 5, 5]) for name in names}
    columns = {name: {"recovered": [5] * 4 + [3] * 4} for name in names}
    add_comparison(r, "pentagon", columns, trace=trace)
    texts = toy_saes.texts(r)
    assert texts["known_pentagon_loss_weighted"] == "4 of 8"
    assert texts["known_pentagon_ten"] == "10.0"


def recipe(r: Results) -> None:
    names = ("as-published", "gradients-not-projected", "tied", "rate-higher", "rate-lower")
    rest = ("short", "batches-smaller")
    columns = {
        name: {"recovered": [40 - i] * 8, "loss": [1.0 + i] * 8, "dead": [i] * 8}
        for i, name in enumerate(names + rest)
    }
    add_comparison(r, "recipe", columns)
    add_comparison(r, "recipe-repeated", {"repeated": {"dead": [9] * 8}})
    offset = {
        "with-pre-encoder-bias": {"recovered": [40] * 8, "loss": [1.0] * 8},
        "without": {"recovered": [10] * 8, "loss": [3.0] * 8},
    }
    add_comparison(r, "offset", offset)


def test_ablations_are_changed_minus_published_and_losses_shares(r: Results) -> None:
    recipe(r)
    table = known_tables.ablations(r)
    assert list(table.columns) == known_tables.COLUMNS
    one = table.loc[table["change"] == "tied"].set_index("measure")["mean"]
    assert one[known_tables.FEATURES] == -2
    assert one[known_tables.LOSS] == pytest.approx(2)
    last = table.iloc[-2:]["mean"].tolist()
    assert last == [-30, 2]
    dead = known_tables.dead(r).set_index("change")["mean"]
    assert dead.to_dict() == {
        "higher rate": 3,
        "smaller batches": 6,
        "repeated data": 9,
        "more steps": -5,
    }


def test_sweeps_hold_the_rows_that_were_run(r: Results) -> None:
    add_comparison(r, "wrong-l0", {"k-3": {"l0": EIGHT}})
    sweeps = known_tables.sweeps(r)
    assert set(sweeps["data"]) == {"BatchTopK, independent features"}


def test_planes_have_features_decoders_and_encoders_of_living_latents(r: Results) -> None:
    latents = {"four": {"kind": ["feature", "dead"], "instance": [0, 0], "x": [0.6, 1.0]}}
    add_comparison(r, "uneven-angles", {"four": {}}, latents=latents)
    r.params.tree["toy_comparison"]["uneven-angles"] = {"data": {"turns": [0.0, 0.25]}}
    planes = known_tables.planes(r)
    assert planes["kind"].tolist() == ["feature", "feature", "decoder", "encoder"]
    assert planes.loc[planes["kind"] == "decoder", "x"].tolist() == [0.6]
    points = planes.loc[planes["kind"] == "feature", ["x", "y"]].to_numpy()
    np.testing.assert_allclose(points, [[1, 0], [0, 1]], atol=1e-12)


def test_variants_are_picked_by_name() -> None:
    table = pd.DataFrame({"variant": ["a", "b", "a"], "n": [1, 2, 3]})
    assert known_tables.variants(table, "a")["n"].tolist() == [1, 3]
