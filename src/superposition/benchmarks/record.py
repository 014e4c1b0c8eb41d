"""data/bench.json: what the benchmark found, kept in git, read by the report."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from superposition.core import compute
from superposition.core.store import whole

PATH = Path("data") / "bench.json"
"""Beside the scales' folders: a benchmark belongs to a machine, not to a scale."""
BF16_PATH = Path("data") / "bench-bf16.json"
"""The same, measured on a processor with units for bfloat16."""
GPU_PATH = Path("data") / "bench-gpu.json"
"""The same, measured on a GPU."""
OURS, PLAIN, PRODUCT, MEMORY = "ours", "plain", "product", "memory"
"""Contenders that are no peers: see superposition.benchmarks.ours."""
SAELENS = "SAELens"
"""The peer that most people use."""
MAIN_WIDTH = 4096
"""d_sae of the figures about one width, where it was measured."""

Sections = dict[str, Any]


@dataclass(frozen=True)
class Record:
    """What is on record, as frames."""

    sections: Sections
    """By name; empty if nothing was measured yet."""

    @cached_property
    def steps(self) -> pd.DataFrame:
        """A row per architecture, width, batch size and contender."""
        return pd.DataFrame(self.sections.get("steps", []))

    @cached_property
    def quality(self) -> pd.DataFrame:
        """A row per architecture, seed and contender: what it learned."""
        return pd.DataFrame(self.sections.get("quality", []))

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """A row per condition and metric: what everybody makes of the same tensors."""
        return pd.DataFrame(self.sections.get("metrics", []))

    @property
    def measured(self) -> bool:
        """Whether the training steps were timed."""
        return not self.steps.empty

    @property
    def by_width(self) -> pd.DataFrame:
        """The rows of `steps` with the batch size that goes with their width."""
        plan = self.sections["plan"]
        fits = (plan["most"] // self.steps["d_sae"]).clip(upper=plan["batch_size"])
        return self.steps.loc[self.steps["batch_size"] == fits]

    @property
    def by_batch_size(self) -> pd.DataFrame:
        """The rows of `steps` of one architecture and width, at all batch sizes."""
        is_one = self.steps["d_sae"] == self.sections["plan"]["batch_width"]
        return self.steps.loc[is_one & (self.steps["arch"] == "topk")]

    @property
    def main(self) -> pd.DataFrame:
        """The rows of `by_width` at the width that figures about one width show."""
        rows = self.by_width
        return rows.loc[rows["d_sae"] == self.width]

    @property
    def clock(self) -> str:
        """wall, or cpu where other programs wanted more cores than there are; on a GPU wall."""
        machine = self.sections["machine"]
        is_crowded = machine["load"] > machine["cores"]
        return "cpu" if is_crowded and "accelerator" not in machine else "wall"

    @property
    def width(self) -> int:
        """The width that figures about one width show."""
        known = sorted(set(self.steps["d_sae"]))
        return MAIN_WIDTH if MAIN_WIDTH in known else known[-1]

    def of(self, contender: str) -> pd.DataFrame:
        """The rows of `by_width` of one contender."""
        rows = self.by_width
        return rows.loc[rows["contender"] == contender]

    def quality_gaps(self) -> list[tuple[str, float]]:
        """Contenders and their explained variance less ours, at the same architecture and seed."""
        learned: dict[tuple[str, int], dict[str, float]] = {}
        for row in self.quality.to_dict("records"):
            key = (row["arch"], row["seed"])
            learned.setdefault(key, {})[row["contender"]] = row["explained_variance"]
        return [
            (name, value - each[OURS])
            for each in learned.values()
            if OURS in each
            for name, value in each.items()
            if name != OURS
        ]

    def peers(self) -> pd.DataFrame:
        """The rows of `by_width` that are peers'."""
        rows = self.by_width
        return rows.loc[~rows["contender"].isin([OURS, PLAIN, PRODUCT, MEMORY])]

    def fastest(self) -> pd.DataFrame:
        """The fastest peer's row for every architecture and width."""
        peers, ratio = self.peers(), f"{self.clock}_ratio"
        return peers.loc[peers.groupby(["arch", "d_sae"], sort=False)[ratio].idxmin()]


def load(root: Path, name: Path = PATH) -> Record:
    """What is on record in the tree at `root`."""
    path = root / name
    return Record(json.loads(path.read_text("utf-8")) if path.exists() else {})


def path_for(device: torch.device) -> Path:
    """Where a benchmark of autoencoders on `device` goes on record."""
    if device.type == "cuda":
        return GPU_PATH
    return BF16_PATH if compute.has_fast_bf16(device) else PATH


def save(found: Sections, path: Path) -> None:
    """Put the sections of `found` in place of those on record, and keep the others."""
    kept = json.loads(path.read_text("utf-8")) if path.exists() else {}
    with whole(path) as temporary:
        text = json.dumps(kept | found, sort_keys=True, indent=1)
        temporary.write_text(text + "\n", encoding="utf-8")
