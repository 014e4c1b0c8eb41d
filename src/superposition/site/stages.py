"""The pipeline in the pages: its stages as a picture drawn from dvc.yaml, and what they cost."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import Markdown

from superposition import dvc_stages
from superposition.core.params import Params
from superposition.core.store import Store
from superposition.site import graph
from superposition.site.tables import table
from superposition.values import fmt

EVERYTHING = "*"
"""In place of a folder: a stage depends on all results of its scale."""
READ_ALL, ALL_RESULTS = ("claims", "paper"), "all results"
"""Stages that read the results of all the others, and what stands for these in the picture."""


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
    """The stages that `dvc.yaml` in `root` describes, for the rows of its params.yaml."""
    return stages(dvc_stages.read(root), Params.read(root=root).tree)


def stages(bodies: dict[str, Any], params: dict[str, Any]) -> list[StageNode]:
    """The stages of the section `stages` of a dvc.yaml, in its order, with who feeds whom.

    `params` are all parameters: a stage reads what one of its rows reads.
    """
    reads: dict[str, list[str]] = {name: [] for name in bodies}
    writers: dict[str, str] = {}
    for each in dvc_stages.filled_in(bodies, params):
        reads[each.stage] += _folders(each.body.get("deps", []))
        writers |= dict.fromkeys(_folders(each.writes), each.stage)
    return [
        StageNode(
            name=name,
            section=_section(body.get("foreach", "")),
            after=tuple(_sources(name, reads[name], writers)),
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


def without(name: str, nodes: list[StageNode]) -> list[StageNode]:
    """The other stages, which read nothing of the stage `name`."""
    others = (node for node in nodes if node.name != name)
    return [
        replace(node, after=tuple(source for source in node.after if source != name))
        for node in others
    ]


def picture(nodes: list[StageNode]) -> Markdown:
    """The stages as boxes in rows, an arrow from each to those that read what it writes.

    Arrows that follow from others are left out; what reads all the rest lies below a line.
    """
    boxes = [
        graph.Node(node.name, _above(node), repeated=bool(node.section))
        for node in essential(nodes)
    ]
    if any(ALL_RESULTS in box.after for box in boxes):
        below = {*READ_ALL, *(node.name for node in nodes if {*node.after} & {*READ_ALL})}
        rest = tuple(node.name for node in nodes if node.name not in below)
        boxes.append(graph.Node(ALL_RESULTS, rest, is_bar=True))
    drawing = graph.svg(boxes, label=_in_words(nodes))
    return Markdown(f"```{{=html}}\n{drawing}\n```\n")


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


def _above(node: StageNode) -> tuple[str, ...]:
    """From where arrows lead to a stage; to one that reads all results, from a line below them."""
    if node.name not in READ_ALL:
        return node.after
    return tuple(source for source in node.after if source in READ_ALL) or (ALL_RESULTS,)


def _section(foreach: Any) -> str:
    return foreach.strip("${}") if isinstance(foreach, str) else "rows"


def _in_order(nodes: list[StageNode]) -> list[StageNode]:
    """The stages, each after those that it reads."""
    depth = graph.layers([graph.Node(node.name, node.after) for node in nodes])
    return sorted(nodes, key=lambda node: depth[node.name])


def _in_words(nodes: list[StageNode]) -> str:
    parts = [
        f"{node.name} reads {', '.join(node.after)}"
        if node.after
        else f"{node.name} reads no stage"
        for node in nodes
    ]
    return f"The stages of the pipeline: {'; '.join(parts)}."
