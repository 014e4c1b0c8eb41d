"""A clean copy of the tree in which another scale runs: git and the laptop's lock stay clean.

DVC cannot include one parameter file in another, and keeps one lock per tree: a scale of its own
therefore gets a tree of its own, with the merged parameters written as that tree's `params.yaml`.
"""

import os
import shutil
import subprocess
from pathlib import Path

import yaml

from superposition.core.params import PARAMS_FILE, Params
from superposition.core.store import whole

FOLDER = ".scales"
LEFT_OUT = ("data/laptop/", "data/smoke/", "data/full/", "dvc.lock", f"{FOLDER}/")


def prepare(scale: str, *, root: Path, into: Path, shared_cache: bool = True) -> Path:
    """Bring the tree under `into` up to date with `root`'s, at `scale`; its results are kept."""
    params = Params.read(scale, root=root)
    wanted = source_files(root)
    for stale in set(_kept(into)) - set(wanted):
        (into / stale).unlink()
    for name in wanted:
        _copy(root / name, into / name)
    with whole(into / PARAMS_FILE) as path:
        path.write_text(yaml.safe_dump(params.tree, sort_keys=False), encoding="utf-8")
    _configure_dvc(into, cache=root / ".dvc" / "cache" if shared_cache else None)
    _write_list(into, wanted)
    return into


def source_files(root: Path) -> list[str]:
    """The tree's own files, relative to `root`: what git tracks or would, less results."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=root, capture_output=True, check=True)
        names = listed.stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        names = _walk(root)
    kept = (name for name in names if name and not name.startswith(LEFT_OUT))
    return sorted(name for name in kept if (root / name).is_file())


def environment(root: Path) -> dict[str, str]:
    """The variables under which the tree at `root` runs its own code and DVC stays quiet."""
    return os.environ | {"PYTHONPATH": str(root / "src"), "DVC_NO_ANALYTICS": "1"}


def _walk(root: Path) -> list[str]:
    """Every file below `root` that is neither hidden nor made here: for trees without git."""
    hidden_but_ours = {".dvc", ".dvcignore", ".gitignore"}
    names = []
    for path in root.rglob("*"):
        parts = path.relative_to(root).parts
        hidden = any(part.startswith(".") and part not in hidden_but_ours for part in parts)
        made = parts[:2] in [(".dvc", "cache"), (".dvc", "tmp")] or parts[0] == "_site"
        if path.is_file() and not hidden and not made and "__pycache__" not in parts:
            names.append(path.relative_to(root).as_posix())
    return names


def _copy(source: Path, target: Path) -> None:
    """Copy a file whose content differs; an equal one keeps its time."""
    if target.is_file() and target.read_bytes() == source.read_bytes():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def _configure_dvc(into: Path, *, cache: Path | None) -> None:
    """DVC without git (the tree lies in an ignored folder), with the main tree's cache."""
    lines = ["[core]", "    no_scm = true"]
    if cache is not None:
        lines += ["[cache]", f"    dir = {cache.resolve()}"]
    with whole(into / ".dvc" / "config.local") as path:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _kept(into: Path) -> list[str]:
    """The files that `prepare` brought here the time before."""
    listing = into / ".dvc" / "tree.txt"
    names = listing.read_text("utf-8").splitlines() if listing.exists() else []
    return [name for name in names if (into / name).is_file()]


def _write_list(into: Path, names: list[str]) -> None:
    with whole(into / ".dvc" / "tree.txt") as path:
        path.write_text("\n".join(names), encoding="utf-8")
