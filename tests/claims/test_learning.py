"""Claims about learning are replicated by made-up courses that show it and refuted by others."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.claims.world import add_toy, results
from torch import Tensor

from superposition.claims import learning
from superposition.claims.core import Verdict
from superposition.results import Results

STEPS = np.linspace(0, 10_000, 200).round().astype(int).tolist()


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


def rise(at: float, width: float) -> Tensor:
    return torch.sigmoid((torch.tensor(STEPS) - at) / width)


def levels(r: Results, *, width: float, top: float = 1.0) -> Verdict:
    """Ten features in five digons; each digon's second feature grows at its own time."""
    W = torch.zeros(len(STEPS), 2, 10, 5)
    for pair in range(5):
        W[:, :, 2 * pair, pair] = 1.0
        W[:, :, 2 * pair + 1, pair] = -top * rise(1000 * (pair + 1), width)[:, None]
    add_toy(r, "energy-levels", {0.4: [W[-1, 0], W[-1, 1]]}, snapshots=(STEPS, W))
    return learning.jumps_between_levels.judge(r)


def test_features_that_jump_between_levels_and_lower_the_loss_are_replicated(r: Results) -> None:
    verdict = levels(r, width=10)
    assert verdict.holds == "replicated"
    assert verdict.measured == pytest.approx(1, abs=0.2)


def test_features_that_only_slide_to_their_level_are_partly_there(r: Results) -> None:
    assert levels(r, width=1000).holds == "partly"


def test_features_that_stay_between_levels_without_jumping_are_refuted(r: Results) -> None:
    assert levels(r, width=1000, top=0.6).holds == "not replicated"


def octahedron() -> Tensor:
    return torch.cat([torch.eye(3), -torch.eye(3)])


def way(*, together: bool) -> Tensor:
    """To the octahedron: through two gathered sets that open and then turn, or directly."""
    share = torch.cat([torch.zeros(20), torch.linspace(0, 1, 100), torch.ones(80)])[:, None, None]
    side = torch.tensor([1.0, -1.0]).repeat_interleave(3)[:, None] * torch.ones(3) / 3**0.5
    if not together:
        return octahedron().expand(200, 6, 3).clone()
    W = (1 - share) * side + share * octahedron()
    W[:20] *= torch.linspace(0.1, 1, 20)[:, None, None]
    first = turned_about_axis(60 * (1 - torch.linspace(0, 1, 60)))
    turn = torch.cat([first[:1].expand(120, 3, 3), first, torch.eye(3).expand(20, 3, 3)])
    return torch.cat([W[:, :3], W[:, 3:] @ turn.mT], dim=1)


def turned_about_axis(degrees: Tensor) -> Tensor:
    """Rotations about (1, 1, 1)."""
    axis = torch.ones(3) / 3**0.5
    K = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / 3**0.5
    angle = degrees.deg2rad()[:, None, None]
    across = axis[:, None] * axis[None, :]
    return angle.cos() * torch.eye(3) + angle.sin() * K + (1 - angle.cos()) * across


def stages(r: Results, courses: list[Tensor]) -> Verdict:
    W = torch.stack(courses * 2, dim=1)
    ends = [course[-1] for course in courses]
    add_toy(r, "learning-stages", {0.1: ends, 0.03: ends}, snapshots=(STEPS, W))
    return learning.geometric_stages.judge(r)


def test_sets_that_gather_open_and_turn_into_an_octahedron_are_replicated(r: Results) -> None:
    verdict = stages(r, [way(together=True)] * 3 + [way(together=False)])
    assert verdict.holds == "replicated"
    assert verdict.measured == 1.0


def test_octahedra_without_stages_are_partly_there(r: Results) -> None:
    assert stages(r, [way(together=False)] * 4).holds == "partly"


def test_pairs_within_the_sets_are_refuted(r: Results) -> None:
    wrong = way(together=True)[:, [0, 3, 1, 4, 2, 5]]
    verdict = stages(r, [wrong] * 3 + [way(together=True)])
    assert verdict.holds == "not replicated"
    assert verdict.measured == pytest.approx(0.25)
