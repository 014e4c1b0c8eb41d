"""Which results belong to a reference run, where it lies, and whether it is as it was made.

data/reference/<scale>/<stage>/<row>/metrics.json   as the stage wrote it
data/reference/<scale>/reference.json               machine, versions, commit, seeds, costs
data/reference/<scale>/SHA256SUMS                   as `sha256sum --check` reads it
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from superposition.core.params import Params
from superposition.core.store import Store, schema

FOLDER = "reference"
"""Below data/."""
FACTS, PARAMS, SUMS = "reference.json", "params.json", "SHA256SUMS"
COPIES = ".scales"
"""Where the trees of other scales lie, as `superposition.workspace` has it."""
JSON = ("metrics.json", "claims.json")
"""Numbers and words that are compared; other JSON files say how to load something."""
NO_RESULTS = ("code", "costs")
"""Folders with a file for every stage, `claims.json` too: what it ran and took, no result."""
OTHERS_TEXT = "text/documents.parquet"
"""The corpus belongs to its authors and is not copied."""


class NoReferenceError(ValueError):
    """A reference run that is not there or not as it was made."""


@dataclass(frozen=True)
class Reference:
    """A published run of one scale."""

    scale: str
    """smoke, laptop or full."""
    root: Path = Path()
    """The repository's root."""

    @property
    def store(self) -> Store:
        """Its artefacts, named as those of the stages."""
        return Store(scale=f"{FOLDER}/{self.scale}", root=self.root)

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self.root / "data" / FOLDER / self.scale

    @property
    def exists(self) -> bool:
        """Whether there is a run of this scale at all."""
        return self.folder.is_dir() and any(self.folder.iterdir())

    @cached_property
    def sums(self) -> dict[str, str]:
        """The checksum of every file by its name, as written when the run was published."""
        return read_sums(self.folder) if self.exists else {}

    @cached_property
    def damaged(self) -> dict[str, str]:
        """Files that are `missing` or `altered`: nothing is compared with them."""
        found = {name: self.damage(name) for name in self.sums}
        return {name: damage for name, damage in found.items() if damage}

    def damage(self, name: str) -> str:
        """`missing` or `altered`; nothing for a file that is as it was published."""
        path = self.folder / name
        if name not in self.sums or not path.is_file():
            return "missing"
        return "" if digest_of(path) == self.sums[name] else "altered"

    def require(self, *names: str) -> None:
        """Refuse to go on with files that are missing or altered."""
        damaged = {name: damage for name in names if (damage := self.damage(name))}
        wrong = [f"{self.folder / name} is {damage}" for name, damage in damaged.items()]
        if wrong:
            raise NoReferenceError(
                f"{'; '.join(wrong)}: bring back data/{FOLDER}/{self.scale} as it was published"
            )

    @property
    def sound(self) -> list[str]:
        """The files that are as they were published, by name."""
        return [name for name in sorted(self.sums) if name not in self.damaged]

    def facts(self) -> dict[str, Any]:
        """Machine, versions, commit, seeds and costs; nothing if there is no such file."""
        return {} if self.damage(FACTS) else self.store.load_json(FACTS)

    def claims(self) -> list[dict[str, Any]]:
        """Its verdicts; none if it has none, or none that can be trusted."""
        return [] if self.damage("claims.json") else self.store.load_json("claims.json")


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file below `folder` but SHA256SUMS, by its name."""
    names = sorted(path.relative_to(folder).as_posix() for path in _files(folder))
    return {name: digest_of(folder / name) for name in names if name != SUMS}


def checksums(folder: Path) -> str:
    """The text of SHA256SUMS for every other file below `folder`."""
    return "".join(f"{digest}  {name}\n" for name, digest in digests(folder).items())


def read_sums(folder: Path) -> dict[str, str]:
    """The checksums in SHA256SUMS of `folder`, by the name of the file."""
    path = folder / SUMS
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    found = [(name, digest) for digest, _, name in (line.partition("  ") for line in lines)]
    if not found or not all(name for name, _ in found):
        raise NoReferenceError(
            f"{path} is no list of checksums, so nothing in {folder} can be trusted: bring the "
            "folder back as it was published"
        )
    return dict(found)


def own_store(root: Path, scale: str) -> Store:
    """Where the run of `scale` under `root` lies: there, or in the copy of the tree for a scale.

    Of the two that in which more stages ran: single ones may have been tried in the other.
    """
    stores = [Store(scale=scale, root=root), Store(scale=scale, root=root / COPIES / scale)]
    return max(stores, key=lambda store: len([*store.path("costs").glob("*.json")]))


def results(store: Store, params: Params) -> list[str]:
    """Every number, verdict and table that the rows of `params` left behind, by name, sorted.

    Rows come from the parameters, so that leftovers of a deleted row do not count.
    """
    folder = store.root / "data" / store.scale
    names = (path.relative_to(folder).as_posix() for path in _files(folder))
    return sorted(name for name in names if _is_result(name) and _is_current(name, params))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _is_result(name: str) -> bool:
    parts = name.split("/")
    if parts[-1] in JSON and parts[0] not in NO_RESULTS:
        return len(parts) <= 3
    return f"{parts[0]}/{parts[-1]}" in schema() and name != OTHERS_TEXT


def _is_current(name: str, params: Params) -> bool:
    stage, *row, _ = name.split("/") if "/" in name else ("", name)
    if not row:
        return True
    section = params.tree.get("sae" if stage in ("evaluation", "features") else stage, {})
    return len(row) == 1 and row[0] in section
