"""data/bench.json: what the benchmark found, kept in git, read by the report."""

import json
from pathlib import Path
from typing import Any

from superposition.core.store import whole

PATH = Path("data") / "bench.json"
"""Beside the scales' folders: a benchmark belongs to a machine, not to a scale."""

Record = dict[str, Any]


def load(root: Path) -> Record:
    """What is on record; nothing if nothing was measured yet."""
    path = root / PATH
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def save(found: Record, path: Path) -> None:
    """Put the sections of `found` in place of those on record, and keep the others."""
    kept = json.loads(path.read_text("utf-8")) if path.exists() else {}
    with whole(path) as temporary:
        text = json.dumps(kept | found, sort_keys=True, indent=1)
        temporary.write_text(text + "\n", encoding="utf-8")
