"""Several processes come to what one comes to, with the same batches."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.saes import shared_training
from tests.saes.shared_training import LEADS, N_LARGEST
from tests.saes.test_training import Memory, source

from superposition.saes import base, distributed, training

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What two processes came to, started by torchrun."""
    folder = tmp_path_factory.mktemp("shared")
    _leave_unfinished(folder)
    script = [str(Path(shared_training.__file__)), str(folder)]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    subprocess.run(
        [*torchrun, "--nproc-per-node", "2", *script],
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "OMP_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
    )
    return torch.load(folder / "found.pt", weights_only=True)


@pytest.mark.parametrize("arch", base.architectures())
@pytest.mark.parametrize("name", [*LEADS])
def test_two_processes_train_what_one_trains(shared: dict[str, Any], arch: str, name: str) -> None:
    alone, together = shared_training.train(arch, LEADS[name]), shared["trained"][f"{arch} {name}"]
    for key, expected in alone["weights"].items():
        torch.testing.assert_close(together["weights"][key], expected, rtol=1e-3, atol=1e-5)
    assert together["history"].keys() == alone["history"].keys()
    for column, expected in alone["history"].items():
        assert together["history"][column] == pytest.approx(expected, rel=1e-3, abs=1e-5), column


@pytest.mark.parametrize("n", N_LARGEST)
@pytest.mark.parametrize("seed", range(3))
def test_the_largest_of_all_processes_are_those_of_the_batch(
    shared: dict[str, Any], seed: int, n: int
) -> None:
    torch.testing.assert_close(shared["picked"][f"{seed} {n}"], shared_training.chosen(seed, n))


def test_latents_were_dead_and_resampled_on_the_way(shared: dict[str, Any]) -> None:
    for name in ("topk", "batch_topk", "matryoshka", "jumprelu"):
        assert sum(shared["trained"][f"{name} language"]["history"]["resampled"]) > 0


def test_two_processes_go_on_where_one_was_killed(shared: dict[str, Any]) -> None:
    expected = shared_training.train("batch_topk", ())["weights"]
    torch.testing.assert_close(shared["resumed"]["weights"], expected, rtol=1e-3, atol=1e-5)


def test_every_process_has_a_gpu_of_its_own_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the number, what a thread brings to the GPU goes to the first one."""
    gpu, cpu = torch.device("cuda"), torch.device("cpu")
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    assert distributed.own_device(gpu) == gpu
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert distributed.own_device(gpu) == torch.device("cuda", 3)
    assert distributed.own_device(cpu) == cpu


def test_a_batch_with_fewer_inputs_than_processes_is_refused(shared: dict[str, Any]) -> None:
    assert shared["small"] == "batch_size=1 is below the number of processes 2"


def test_processes_that_find_different_checkpoints_are_refused(shared: dict[str, Any]) -> None:
    assert shared["uneven"].startswith("processes found checkpoints of steps [7, 0]")


def test_without_torchrun_everything_is_given_back() -> None:
    x = torch.randn(3, 4)
    with distributed.processes(torch.device("cpu")):
        assert distributed.is_alone()
        assert distributed.is_first()
        assert distributed.share(x) is x
        assert distributed.gathered(x, 0) is x
        assert distributed.mean(x, 3) is x
        assert distributed.smallest(x) is x


def _leave_unfinished(folder: Path) -> None:
    """The state of a training that was killed after seven steps."""
    memory, inputs = Memory(killed_after=7), source(batch=shared_training.BATCH)
    config, cpu = shared_training.row("batch_topk"), shared_training.CPU
    with pytest.raises(KeyboardInterrupt):
        training.fit(config, inputs, device=cpu, checkpoint=memory)
    assert memory.kept is not None
    shared_training.checkpoint(folder).save(memory.kept)
