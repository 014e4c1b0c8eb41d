"""What test_distributed.py has several processes do.   torchrun shared_training.py FOLDER

The first process saves what came out. One process alone does the same, for comparison.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tests.saes import rows
from tests.saes.test_training import source
from torch import Generator, Tensor

from superposition.core.store import CheckpointFile
from superposition.saes import base, distributed, selection, training

CPU = torch.device("cpu")
LEADS: dict[str, tuple[int, ...]] = {"language": (), "toy": (2,)}
BATCH = 17
"""Inputs of a step: no two processes have as many."""
N_LARGEST = (1, 5, 40, 200, 1000)
"""How many of 17 x 24 values are asked for, some of them more than there are positive ones."""


def row(arch: str) -> base.SaeConfig:
    """A training in which latents die, are revived and resampled."""
    return rows.row(
        arch,
        d_sae=48,
        training=rows.training(batch_size=BATCH, n_steps=12, dead_window=1, log_every=4, lr=3e-3),
        resampling=rows.resampling(n_inputs=2 * BATCH),
    )


def train(arch: str, lead: tuple[int, ...], kept: CheckpointFile | None = None) -> dict[str, Any]:
    """Weights and history, from the state that was kept, if there is one."""
    inputs = source(*lead, batch=BATCH)
    fitted = training.fit(row(arch), inputs, device=CPU, checkpoint=kept)
    return {"weights": fitted.sae.state_dict(), "history": fitted.history.to_dict("list")}


def checkpoint(folder: Path) -> CheckpointFile:
    """Where a BatchTopK was left that one process began."""
    return CheckpointFile(folder / "checkpoint.pt", fingerprint="")


def values(seed: int) -> Tensor:
    """Pre-activations with many ties, of both signs."""
    drawn = torch.randint(-30, 30, (BATCH, 24), generator=Generator().manual_seed(seed))
    return drawn / 7


def chosen(seed: int, n: int) -> Tensor:
    """Which of `values` are among the n largest of all processes together."""
    here = distributed.share(values(seed))
    n_here = n if distributed.is_alone() else n - n // 2 if distributed.is_first() else n // 2
    mask = torch.zeros(here.numel())
    mask[selection.largest(here, n_here)] = 1.0
    return distributed.gathered(mask.view(here.shape), 0)


def everything(folder: Path) -> dict[str, Any]:
    """All of it, by name."""
    trained = {
        f"{arch} {name}": train(arch, lead)
        for arch in base.architectures()
        for name, lead in LEADS.items()
    }
    picked = {f"{seed} {n}": chosen(seed, n) for seed in range(3) for n in N_LARGEST}
    kept = checkpoint(folder)
    some = kept if distributed.is_first() else None
    return {
        "trained": trained,
        "picked": picked,
        "resumed": train("batch_topk", (), kept),
        "small": refused(lambda: distributed.share(torch.zeros(1, 6))),
        "uneven": refused(lambda: train("batch_topk", (), some)),
    }


def refused(what: Callable[[], object]) -> str:
    """What is said about it."""
    try:
        what()
    except ValueError as error:
        return str(error)
    return ""


if __name__ == "__main__":
    with distributed.processes(CPU):
        found = everything(Path(sys.argv[1]))
    torch.save(found, Path(sys.argv[1]) / "found.pt")
