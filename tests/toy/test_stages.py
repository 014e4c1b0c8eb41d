"""Two sets of features that gather, open and turn into an octahedron pass the stages in order."""

import numpy as np
import pytest

from superposition.toy import stages

STEPS = np.arange(0, 1001, 10)


def octahedron(*, across: bool = True) -> np.ndarray:
    """Three axes; the second set is opposite to the first, or else pairs lie within the sets."""
    W = np.concatenate([np.eye(3), -np.eye(3)])
    return W if across else W[[0, 3, 1, 4, 2, 5]]


def opening(share: float) -> np.ndarray:
    """Both sets between one direction each (0) and the faces of an octahedron (1)."""
    centre = np.ones(3) / np.sqrt(3)
    W = octahedron()
    side = np.repeat([1.0, -1.0], 3)[:, None] * centre
    return (1 - share) * side + share * W


def learned() -> np.ndarray:
    """Apart, then together, then open."""
    start = np.stack([octahedron()[[0, 3, 2, 1, 4, 5]]] * 10)
    return np.concatenate([start, [opening(share) for share in np.linspace(0, 1, 91)]])


def test_an_octahedron_needs_its_antipodes_in_different_sets() -> None:
    W = np.stack([octahedron(), octahedron(across=False), opening(0.5)])
    assert stages.octahedra(W).tolist() == [True, False, False]


def test_an_octahedron_of_unequal_lengths_is_none() -> None:
    W = octahedron()
    W[0] *= 0.8
    assert not stages.octahedra(W[None]).any()


def test_the_courses_are_those_of_the_sets() -> None:
    course = stages.courses(np.stack([octahedron(), opening(0.0)]))
    assert course.within == pytest.approx([0, 1])
    assert course.between == pytest.approx([-1 / 3, -1])
    assert course.partner == pytest.approx([-1, -1])


def test_stages_in_order_are_found_and_a_direct_way_is_none() -> None:
    found = stages.stages(stages.courses(learned()), STEPS)
    assert found.gathered == 100
    assert found.opened is not None
    assert found.in_order is (found.aligned is not None and found.aligned > found.opened)
    direct = np.stack([octahedron()] * len(STEPS))
    assert not stages.stages(stages.courses(direct), STEPS).in_order


def test_stages_that_share_a_step_or_come_in_another_order_are_not_in_order() -> None:
    assert stages.Stages(1, 2, 3).in_order
    assert not stages.Stages(1, 2, 2).in_order
    assert not stages.Stages(3, 2, 4).in_order
    assert not stages.Stages(None, 2, 4).in_order


def test_the_octahedron_is_seen_as_a_hexagon() -> None:
    flat = stages.aligned_projection(learned())[-1]
    angles = np.sort(np.degrees(np.arctan2(flat[:, 1], flat[:, 0])))
    assert np.diff(angles) == pytest.approx(np.full(5, 60))
    assert np.linalg.norm(flat, axis=1) == pytest.approx(np.full(6, np.sqrt(2 / 3)))
