"""What a run was made on and with: the machine, the versions, the commit."""

import os
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from superposition.benchmarks import machine
from superposition.reference.files import COPIES

PACKAGES = ("torch", "numpy", "pandas", "scipy", "transformer-lens", "tokenizers", "safetensors")
"""Whose versions can change a number."""
COMMIT = "SUPERPOSITION_COMMIT"
"""Environment variable with the commit, where a copy of the tree has no git."""
UNKNOWN = "unknown"
"""The commit of a tree without Git."""
CODE = ("src", "pipeline", "params.yaml", "scales")
"""What a run depends on, besides its inputs."""
CHANGED = " with changes"
"""Follows a commit after which CODE was changed."""
ADDED = "added"
"""Of the facts of a reference run: the facts of the runs that were added to it."""


def runs(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs that a reference run consists of: that which it began with, and those added to it.

    Each has its machine, its `costs` and what it `left_out`.
    """
    return [facts, *facts.get(ADDED, [])] if facts else []


def stages(facts: dict[str, Any]) -> set[str]:
    """The stages that a reference run consists of, as DVC calls them."""
    return {title for run in runs(facts) for title in run["costs"]}


def describe(root: Path) -> dict[str, Any]:
    """Processor, accelerator, memory, versions and commit; nothing that changes from run to run."""
    found = machine.describe()
    found.pop("load")
    cuda = torch.cuda.is_available()
    return found | {
        "accelerator": torch.cuda.get_device_name() if cuda else "none",
        "packages": {name: _version(name) for name in PACKAGES},
        "commit": commit(root),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def commit(root: Path) -> str:
    """The commit of the tree at `root`, with a mark if code was changed since.

    A copy of the tree without git is told it by the environment variable COMMIT. That which
    `superposition.workspace` makes for a scale has the commit of the tree it was copied from, where
    Git ignores it.
    """
    if told := os.environ.get(COMMIT):
        return told
    tree = root.resolve()
    tree = tree.parents[1] if tree.parent.name == COPIES else tree
    head = _git(tree, "describe", "--always", "--abbrev=40", "--exclude=*")
    if not head:
        return UNKNOWN
    return head + CHANGED * bool(_git(tree, "status", "--porcelain", "--", *CODE))


def _git(tree: Path, *command: str) -> str:
    """What Git says of `tree`; nothing where there is no Git, or it fails."""
    try:
        done = subprocess.run(
            ["git", "-C", str(tree), *command], capture_output=True, check=False, text=True
        )
    except OSError:
        return ""
    return "" if done.returncode else done.stdout.strip()
