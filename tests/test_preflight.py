"""Before work starts the run says what it needs, and refuses what cannot be."""

from pathlib import Path

import pytest

from superposition import preflight
from superposition.core.params import Params, scales
from superposition.preflight import GIB, Need

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("scale", scales(ROOT))
def test_every_scale_has_an_estimate_for_every_stage_with_parameters(scale: str) -> None:
    params = Params.read(scale, root=ROOT)
    needs = preflight.estimate(params)
    stages = {need.stage.split("@")[0] for need in needs}
    assert set(params.tree) - {"scale", "device"} <= stages
    assert all(need.seconds > 0 and need.memory > 0 and need.disk >= 0 for need in needs)
    text = preflight.describe(needs, scale)
    assert scale in text
    assert "GiB of disk" in text


def test_trainings_that_read_their_activations_again_are_named_with_how_often() -> None:
    params = Params.read(root=ROOT)
    assert "more than once" not in preflight.describe(preflight.estimate(params), "laptop")
    params.value("sae", "l1")["training"]["n_steps"] *= 4
    text = preflight.describe(preflight.estimate(params), "laptop")
    assert "Reading their activations more than once: sae@l1 3.8 times." in text


def test_too_little_disk_is_refused_with_both_numbers(tmp_path: Path) -> None:
    with pytest.raises(preflight.ResourceError, match=r"keeps about 1000000\.0 GiB .* GiB free"):
        preflight.check([Need("sae@l1", 1.0, 1.0, 1e6 * GIB)], folder=tmp_path)


def test_too_little_memory_is_refused_with_the_stage_that_needs_it(tmp_path: Path) -> None:
    needs = [Need("text", 1.0, 1 * GIB, 1.0), Need("sae@l1", 1.0, 4 * GIB, 1.0)]
    with pytest.raises(preflight.ResourceError, match=r"sae@l1 needs about 4\.0 GiB .* 2\.0 GiB"):
        preflight.check(needs, folder=tmp_path, free_memory=2 * GIB)
    preflight.check(needs, folder=tmp_path, free_memory=5 * GIB)


def test_what_an_earlier_run_left_needs_no_room_again(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c").write_bytes(b"678")
    assert preflight.size_of(tmp_path) == 8
    assert preflight.size_of(tmp_path / "nowhere") == 0
    needs = [Need("sae@l1", 1.0, 1.0, 1e6 * GIB)]
    preflight.check(needs, folder=tmp_path, kept=int(1e6 * GIB), free_memory=GIB)
