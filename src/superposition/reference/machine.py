"""What a run was made on and with: the machine, the versions, the commit."""

import os
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from superposition.benchmarks import machine

PACKAGES = ("torch", "numpy", "pandas", "scipy", "transformer-lens", "tokenizers", "safetensors")
"""Whose versions can change a number."""
COMMIT = "SUPERPOSITION_COMMIT"
"""Environment variable with the commit, where a copy of the tree has no git."""

ADDED = "added"
"""Of the facts of a reference run: the facts of the runs that were added to it."""


def runs(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs that a reference run consists of: that which it began with, and those added to it.

    Each has its machine, its `costs` and what it `left_out`.
    """
    return [facts, *facts.get(ADDED, [])] if facts else []


def describe(root: Path) -> dict[str, Any]:
    """Processor, accelerator, memory, versions and commit; nothing that changes from run to run."""
    found = machine.describe()
    found.pop("load")
    cuda = torch.cuda.is_available()
    return found | {
        "accelerator": torch.cuda.get_device_name() if cuda else "none",
        "packages": {name: _version(name) for name in PACKAGES},
        "commit": _commit(root),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _commit(root: Path) -> str:
    """The commit of the tree at `root`, with a mark if code was changed since.

    A copy of the tree without git is told it by the environment variable COMMIT.
    """
    if told := os.environ.get(COMMIT):
        return told
    command = ["git", "-C", str(root), "describe", "--always", "--abbrev=40", "--exclude=*"]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    if done.returncode:
        return "unknown"
    code = ["src", "pipeline", "params.yaml", "scales"]
    status = ["git", "-C", str(root), "status", "--porcelain", "--", *code]
    changed = subprocess.run(status, capture_output=True, check=False, text=True).stdout.strip()
    return done.stdout.strip() + (" with changes" if changed else "")
