"""The graph of features falls into the shapes that a model was put together from."""

import numpy as np
import pytest

from superposition.toy import dynamics, graphs
from superposition.toy.graphs import product_of
from superposition.toy.theory import polytopes

IDEAL = {name: each.vertices.numpy() for name, each in polytopes().items()}


def turned(W: np.ndarray, seed: int = 0) -> np.ndarray:
    """The same features in other directions and another order."""
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(W.shape[1], W.shape[1]))).Q
    return rng.permutation(W @ rotation)


def shapes(W: np.ndarray) -> list[str]:
    return [part.shape for part in graphs.components(W, dynamics.dimensionality(W))]


@pytest.mark.parametrize("name", IDEAL)
def test_an_ideal_shape_is_known_by_its_name_in_every_rotation(name: str) -> None:
    assert graphs.shape(turned(1.1 * IDEAL[name])) == name


@pytest.mark.parametrize("name", IDEAL)
def test_a_shape_that_is_far_from_ideal_is_another_one(name: str) -> None:
    bent = turned(IDEAL[name])
    bent[0] = bent[1]
    assert graphs.shape(bent) == graphs.OTHER


def test_a_product_falls_into_its_factors_with_whole_dimensions() -> None:
    W = turned(product_of(IDEAL["triangle"], IDEAL["digon"], IDEAL["square antiprism"]))
    parts = graphs.components(W, dynamics.dimensionality(W))
    assert [part.shape for part in parts] == ["square antiprism", "triangle", "digon"]
    assert [part.dimensions for part in parts] == pytest.approx([3, 2, 1])


def test_features_that_are_not_represented_join_nothing() -> None:
    W = product_of(IDEAL["digon"], IDEAL["digon"])
    bridge = np.array([[0.3, 0.3]])
    assert shapes(np.concatenate([W, bridge])) == ["digon", "digon"]
    assert shapes(np.concatenate([W, 3 * bridge])) == [graphs.OTHER]


def test_a_feature_without_neighbours_is_alone_and_an_empty_model_has_no_parts() -> None:
    assert shapes(np.eye(3)[:2]) == [graphs.ALONE, graphs.ALONE]
    assert shapes(np.zeros((4, 2))) == []


def test_a_drawing_has_every_feature_once_and_none_on_top_of_another() -> None:
    W = turned(product_of(*IDEAL.values(), *[IDEAL["digon"]] * 9, np.eye(2)))
    places = graphs.layout(W, graphs.components(W, dynamics.dimensionality(W)))
    assert sorted(place.feature for place in places) == list(range(len(W)))
    xy = np.array([(place.x, place.y) for place in places])
    distances = np.linalg.norm(xy[:, None] - xy[None], axis=2) + 10 * np.eye(len(xy))
    assert distances.min() > 0.5


def test_a_pentagon_is_drawn_with_its_neighbours_side_by_side() -> None:
    W = IDEAL["pentagon"]
    places = graphs.layout(W, graphs.components(W, dynamics.dimensionality(W)))
    xy = np.array([(place.x, place.y) for place in sorted(places)])
    sides = np.linalg.norm(xy - np.roll(xy, 1, axis=0), axis=1)
    assert sides == pytest.approx(np.full(5, sides[0]))
