"""The pipeline in the pages: its stages as a picture drawn from dvc.yaml, and what they cost."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from IPython.display import Markdown

from superposition.site.tables import table
from superposition.store import Store
from superposition.values import fmt

BOX_WIDTH, BOX_HEIGHT = 128, 44
GAP_X, GAP_Y = 22, 46
MARGIN = 6
EVERYTHING = "*"
"""In place of a folder: a stage depends on all results of its scale."""


@dataclass(frozen=True, kw_only=True)
class StageNode:
    """A stage of dvc.yaml."""

    name: str
    """Its name."""
    section: str
    """The section of params.yaml whose rows it runs over; empty if it runs once."""
    after: tuple[str, ...]
    """The stages that write what it reads."""


def read_stages(root: Path) -> list[StageNode]:
    """The stages that `dvc.yaml` in `root` describes."""
    tree = yaml.safe_load((root / "dvc.yaml").read_text(encoding="utf-8"))
    return stages(tree["stages"])


def stages(tree: dict[str, Any]) -> list[StageNode]:
    """The stages of the section `stages` of a dvc.yaml, in its order, with who feeds whom."""
    bodies = {name: body.get("do", body) for name, body in tree.items()}
    writers: dict[str, str] = {}
    for name, body in bodies.items():
        written = [*body.get("outs", []), *body.get("metrics", [])]
        writers |= dict.fromkeys(_folders(written), name)
    return [
        StageNode(
            name=name,
            section=_section(tree[name].get("foreach", "")),
            after=tuple(_sources(name, _folders(body.get("deps", [])), writers)),
        )
        for name, body in bodies.items()
    ]


def essential(nodes: list[StageNode]) -> list[StageNode]:
    """The same stages without the arrows that follow from others: a to c if a to b to c."""
    before: dict[str, set[str]] = {}
    for node in _in_order(nodes):
        before[node.name] = set(node.after).union(*(before[source] for source in node.after))
    return [
        replace(
            node,
            after=tuple(
                source
                for source in node.after
                if not any(source in before[other] for other in node.after)
            ),
        )
        for node in nodes
    ]


def picture(nodes: list[StageNode]) -> Markdown:
    """The stages as boxes in layers, an arrow from each to those that read what it writes.

    Arrows that follow from others are left out.
    """
    nodes = essential(nodes)
    places = _places(nodes)
    width = max(x for x, _ in places.values()) + BOX_WIDTH + MARGIN
    height = max(y for _, y in places.values()) + BOX_HEIGHT + MARGIN
    arrows = "".join(
        _arrow(places[source], places[node.name]) for node in nodes for source in node.after
    )
    boxes = "".join(_box(node, *places[node.name]) for node in nodes)
    svg = (
        f'<svg class="pipeline" viewBox="0 0 {width} {height}" width="{width}" role="img" '
        f'aria-label="{escape(_in_words(nodes))}" style="max-width: 100%; height: auto">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="var(--ink-soft)"/></marker>'
        f"</defs>{arrows}{boxes}</svg>"
    )
    return Markdown(f"```{{=html}}\n{svg}\n```\n")


def read_costs(store: Store) -> pd.DataFrame:
    """What every stage took when it last ran on this machine: stage, row, seconds, peak_bytes."""
    names = sorted(path.name for path in store.path("costs").glob("*.json"))
    return pd.DataFrame([store.load_json("costs", name) for name in names])


def costs(frame: pd.DataFrame, nodes: list[StageNode]) -> Markdown:
    """Wall time and peak memory by stage and row, in the order of the pipeline, and their sum."""
    order = [node.name for node in nodes]
    known = [row for row in frame.to_dict("records") if row["stage"] in order]
    if not known:
        return Markdown("No stage has recorded its cost on this machine yet.")
    known.sort(key=lambda row: (order.index(row["stage"]), row["row"]))
    total = {
        "stage": "all",
        "row": "",
        "seconds": sum(row["seconds"] for row in known),
        "peak_bytes": max(row["peak_bytes"] for row in known),
    }
    shown = [
        {
            "stage": row["stage"],
            "row": row["row"],
            "wall time": duration(row["seconds"]),
            "peak memory": fmt(int(row["peak_bytes"]), "B", digits=2),
        }
        for row in [*known, total]
    ]
    return table(pd.DataFrame(shown))


def duration(seconds: float) -> str:
    """Seconds in words, to two digits or so: `4.2 s`, `35 s`, `12 min`."""
    if seconds < 10:
        return fmt(float(seconds), "s", digits=2)
    return f"{seconds:.0f}\u00a0s" if seconds < 100 else f"{seconds / 60:.0f}\u00a0min"


def _folders(entries: Iterable[Any]) -> list[str]:
    """The folder in `data/<scale>/` of each path under it; EVERYTHING if that is all of it."""
    paths = [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]
    parts = [[*path.split("/"), EVERYTHING] for path in paths if path.startswith("data/")]
    return list(dict.fromkeys(names[2] for names in parts))


def _sources(name: str, folders: list[str], writers: dict[str, str]) -> list[str]:
    read = list(writers) if EVERYTHING in folders else folders
    found = dict.fromkeys(writers[folder] for folder in read if folder in writers)
    return [source for source in found if source != name]


def _section(foreach: Any) -> str:
    return foreach.strip("${}") if isinstance(foreach, str) else "rows"


def _places(nodes: list[StageNode]) -> dict[str, tuple[int, int]]:
    """Top left corner of each box: a layer below all that it depends on, layers centred."""
    layer: dict[str, int] = {}
    for node in _in_order(nodes):
        layer[node.name] = 1 + max((layer[source] for source in node.after), default=-1)
    rows: list[list[str]] = [[] for _ in range(max(layer.values()) + 1)]
    for node in nodes:
        rows[layer[node.name]].append(node.name)
    widest = max(map(len, rows))
    return {
        name: (_x(index, len(row), widest), MARGIN + depth * (BOX_HEIGHT + GAP_Y))
        for depth, row in enumerate(rows)
        for index, name in enumerate(row)
    }


def _in_order(nodes: list[StageNode]) -> list[StageNode]:
    """The stages, each after those that it reads."""
    ordered: list[StageNode] = []
    waiting = list(nodes)
    while waiting:
        known = {node.name for node in ordered}
        ready = [node for node in waiting if known.issuperset(node.after)]
        if not ready:
            raise ValueError(f"stages {', '.join(node.name for node in waiting)} form a cycle")
        ordered += ready
        waiting = [node for node in waiting if node not in ready]
    return ordered


def _x(index: int, n: int, widest: int) -> int:
    step = BOX_WIDTH + GAP_X
    return MARGIN + index * step + (widest - n) * step // 2


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    x, y = start[0] + BOX_WIDTH // 2, start[1] + BOX_HEIGHT
    u, v = end[0] + BOX_WIDTH // 2, end[1] - 3
    bend = (v - y) // 2
    path = f"M{x} {y}C{x} {y + bend} {u} {v - bend} {u} {v}"
    return f'<path d="{path}" fill="none" stroke="var(--ink-soft)" marker-end="url(#tip)"/>'


def _box(node: StageNode, x: int, y: int) -> str:
    middle = x + BOX_WIDTH // 2
    lines = f'<text x="{middle}" y="{y + (20 if node.section else 27)}" font-weight="600">'
    lines += f"{escape(node.name)}</text>"
    if node.section:
        note = f"each row of {escape(node.section)}"
        lines += f'<text x="{middle}" y="{y + 35}" font-size="10">{note}</text>'
    frame = f'<rect x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6" '
    frame += 'fill="var(--raised)" stroke="var(--rule)"/>'
    style = 'text-anchor="middle" font-family="var(--sans)" font-size="13" fill="var(--ink)"'
    return f"<g {style}>{frame}{lines}</g>"


def _in_words(nodes: list[StageNode]) -> str:
    parts = [
        f"{node.name} reads {', '.join(node.after)}"
        if node.after
        else f"{node.name} reads no stage"
        for node in nodes
    ]
    return f"The stages of the pipeline: {'; '.join(parts)}."
