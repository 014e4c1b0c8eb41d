"""Memory is kept while a training lasts, and given back afterwards."""

import subprocess
import sys

import pytest
import torch

from superposition.saes import memory

CPU = torch.device("cpu")
FAULTS = """
import resource, torch
from superposition.saes import memory

def faults():  # pages that the system hands out for 64 MiB which were just freed
    torch.zeros(2**24)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.zeros(2**24)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

usual = faults()
with memory.kept(torch.device("cpu")):
    print(usual, faults())
"""
"""In a process of its own: in this one, earlier tests have left free memory behind."""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's settings")
def test_freed_memory_is_used_again_while_it_is_kept() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True
    )
    usual, kept = map(int, done.stdout.split())
    assert usual > 10 * max(kept, 1)


def test_a_gpu_changes_nothing_about_the_processors_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_set", lambda *_: pytest.fail("not asked for"))
    with memory.kept(torch.device("cuda")):
        pass


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_library", lambda _: None)
    with memory.kept(CPU):
        assert torch.zeros(3).tolist() == [0.0] * 3


def test_memory_is_given_back_when_a_training_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(memory, "_set", lambda name, value: asked.append((name, value)))
    with pytest.raises(ValueError, match="diverged"), memory.kept(CPU):
        raise ValueError("diverged")
    assert asked[-2:] == [
        (memory.MMAP_MAX, memory.USUAL_MMAPS),
        (memory.TRIM_THRESHOLD, memory.USUAL_THRESHOLD),
    ]
