"""Groups of about equal cost, each on a core of its own: in forks of a process, or in threads."""

import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch

from superposition.toy import parallel
from superposition.toy.parallel import Stop, balanced_groups, can_fork, side_by_side

with_forks = pytest.mark.skipif(not can_fork(), reason="no forks here")
in_both_ways = pytest.mark.usefixtures("either_way")


@pytest.fixture(params=[pytest.param(True, marks=with_forks), False], ids=["forks", "threads"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "can_fork", lambda: request.param)


def test_groups_have_every_index_once_and_about_the_same_cost():
    costs = [1.0, 0.9, 0.7, 0.4, 0.2, 0.1, 0.1]
    groups = balanced_groups(costs, 3)
    assert sorted(index for group in groups for index in group) == list(range(7))
    totals = [sum(costs[i] for i in group) for group in groups]
    assert max(totals) - min(totals) < 0.3


def test_there_are_no_more_groups_than_things():
    assert balanced_groups([1.0, 2.0], 8) == [[1], [0]]


@in_both_ways
def test_results_keep_the_order_of_the_items_and_each_uses_one_core():
    torch.set_num_threads(2)
    results = side_by_side(lambda item, stop: (item, torch.get_num_threads()), ["b", "a", "c"])
    assert results == [("b", 1), ("a", 1), ("c", 1)]
    assert torch.get_num_threads() == 2


@with_forks
def test_forks_are_processes_and_the_first_item_stays_here():
    first, *rest = side_by_side(lambda item, stop: os.getpid(), ["a", "b", "c"])
    assert first == os.getpid()
    assert len({first, *rest}) == 3


@in_both_ways
def test_tensors_and_tables_come_back_whole():
    def made(item: int, stop: Stop) -> tuple[torch.Tensor, pd.DataFrame]:
        x = torch.arange(1_000_000, dtype=torch.float32).view(1000, 1000)[item:]
        return x, pd.DataFrame({"item": [item], "name": ["x"]})

    for item, (x, table) in enumerate(side_by_side(made, [0, 1])):
        assert x.shape == (1000 - item, 1000)
        assert float(x[0, 0]) == 1000 * item
        assert table.to_dict("list") == {"item": [item], "name": ["x"]}


@in_both_ways
@pytest.mark.parametrize("items", [["waits", "fails"], ["fails", "waits"]])
def test_a_failure_stops_the_others_and_is_raised(items: list[str]):
    def fail_or_wait(item: str, stop: Stop) -> bool:
        if item == "fails":
            raise ValueError("lost")
        if not stop.wait(timeout=60):
            pytest.fail("was not stopped")
        raise RuntimeError("stopped half-way")

    started = time.monotonic()
    with pytest.raises(ValueError, match="lost"):
        side_by_side(fail_or_wait, items)
    assert time.monotonic() - started < 30
    assert not multiprocessing.active_children()


@with_forks
def test_forks_end_with_a_process_that_is_killed():
    program = (
        "import os, time; from superposition.toy.parallel import side_by_side\n"
        "def tell(item, stop): os.write(1, f'{os.getpid()}\\n'.encode()); time.sleep(60)\n"
        "side_by_side(tell, 'ab')"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pids = {int(process.stdout.readline()) for _ in "ab"}
        process.kill()
    (fork,) = pids - {process.pid}
    ended = time.monotonic() + 30
    while _is_running(fork):
        assert time.monotonic() < ended, "still trains"
        time.sleep(0.05)


def _is_running(pid: int) -> bool:
    """Whether a process is there and has not ended: one that nobody waited for is a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@with_forks
def test_a_process_that_is_killed_is_told():
    def die(item: str, stop: Stop) -> None:
        if item == "dies":
            os._exit(9)

    with pytest.raises(RuntimeError, match="ended with code 9"):
        side_by_side(die, ["lives", "dies"])
