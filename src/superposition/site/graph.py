"""A layered drawing of a graph without cycles, as SVG in the colours of the page.

Every node lies below all that it follows, few enough in a row to be read on a page. An arrow over
several rows has a place of its own in each of them, so that it passes beside the boxes and not
behind them.
"""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

BOX_WIDTH, BOX_HEIGHT = 116, 32
LANE = 4
"""Width that a passing arrow takes."""
GAP_X, GAP_Y = 18, 36
MARGIN = 6
MOST = 5
"""Boxes in a row."""
BEHIND = 4
"""How far the second frame of a repeated box is moved."""
ROUNDS = 8
"""Sweeps that order the layers, each by the places of its neighbours."""

_TEXT = 'text-anchor="middle" font-family="var(--sans)" font-size="12.5" fill="var(--ink)"'

Point = tuple[float, float]


class Node(NamedTuple):
    """A box."""

    name: str
    """What it is called."""
    after: tuple[str, ...]
    """The nodes from which arrows lead here."""
    repeated: bool = False
    """Drawn as one of several alike."""
    is_bar: bool = False
    """Drawn as a line across, to which all above leads: no arrow has to be followed to it."""


class _Place(NamedTuple):
    """Where a node, or an arrow that passes through a layer, lies: the middle of its top edge."""

    x: float
    y: float


def svg(nodes: Sequence[Node], *, label: str) -> str:
    """The drawing; `label` says in words what it shows."""
    depth = layers(nodes)
    chains = _chains(nodes, depth)
    rows = _ordered(_rows(nodes, depth, chains), chains)
    places, width = _places(rows, {node.name for node in nodes})
    height = MARGIN * 2 + len(rows) * (BOX_HEIGHT + GAP_Y) - GAP_Y
    arrows = "".join(_arrow([places[name] for name in chain]) for chain in chains)
    boxes = "".join(
        _bar(node, places[node.name], width) if node.is_bar else _box(node, places[node.name])
        for node in nodes
    )
    return (
        f'<div class="graph"><svg viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" '
        f'role="img" aria-label="{escape(label)}">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="var(--ink-soft)"/></marker>'
        f"</defs>{arrows}{boxes}</svg></div>"
    )


def layers(nodes: Sequence[Node]) -> dict[str, int]:
    """The row of each node, 0 at the top: as high as those above it and `MOST` boxes allow.

    Where not all can be, those come first from which the longest ways lead down. A bar lies below
    all that was there before it.
    """
    below = _longest_ways_down(nodes)
    depth: dict[str, int] = {}
    waiting = sorted(nodes, key=lambda node: -below[node.name])
    for row in range(len(waiting)):
        ready = [node for node in waiting if all(name in depth for name in node.after)]
        for node in ready[:MOST]:
            depth[node.name] = row
        waiting = [node for node in waiting if node.name not in depth]
    return depth


def _longest_ways_down(nodes: Sequence[Node]) -> dict[str, int]:
    """The number of arrows on the longest way from each node to one that none follows."""
    followers: dict[str, list[str]] = {node.name: [] for node in nodes}
    for node in nodes:
        for source in node.after:
            followers[source].append(node.name)
    length: dict[str, int] = {}
    while waiting := [name for name in followers if name not in length]:
        ready = [name for name in waiting if all(each in length for each in followers[name])]
        if not ready:
            raise ValueError(f"{', '.join(waiting)} form a cycle")
        for name in ready:
            length[name] = 1 + max((length[each] for each in followers[name]), default=-1)
    return length


def _chains(nodes: Sequence[Node], depth: Mapping[str, int]) -> list[list[str]]:
    """Every arrow as the names it passes: its ends, and a lane in each layer between."""
    return [
        [
            source,
            *(f"{source}>{node.name}@{y}" for y in range(depth[source] + 1, depth[node.name])),
            node.name,
        ]
        for node in nodes
        if not node.is_bar
        for source in node.after
    ]


def _rows(
    nodes: Sequence[Node], depth: Mapping[str, int], chains: list[list[str]]
) -> list[list[str]]:
    rows: list[list[str]] = [[] for _ in range(1 + max(depth.values()))]
    for node in nodes:
        rows[depth[node.name]].append(node.name)
    for chain in chains:
        for offset, lane in enumerate(chain[1:-1], start=depth[chain[0]] + 1):
            rows[offset].append(lane)
    return rows


def _ordered(rows: list[list[str]], chains: list[list[str]]) -> list[list[str]]:
    """The rows with everything near what it is connected to: barycentres, down and up."""
    pairs = [pair for chain in chains for pair in pairwise(chain)]
    for turn in range(ROUNDS):
        position = {name: _share(i, row) for row in rows for i, name in enumerate(row)}
        near: dict[str, list[float]] = {}
        for above, below in pairs:
            name, other = (below, above) if turn % 2 == 0 else (above, below)
            near.setdefault(name, []).append(position[other])
        middle = {name: sum(found) / len(found) for name, found in near.items()}
        rows = [sorted(row, key=lambda name: middle.get(name, position[name])) for row in rows]
    return rows


def _share(index: int, row: list[str]) -> float:
    return (index + 0.5) / len(row)


def _places(rows: list[list[str]], boxes: set[str]) -> tuple[dict[str, _Place], float]:
    """The place of every name, each row centred; and the width of the drawing."""
    widths = {name: float(BOX_WIDTH if name in boxes else LANE) for row in rows for name in row}
    lengths = [sum(widths[name] + GAP_X for name in row) - GAP_X for row in rows]
    places = {}
    for depth, (row, length) in enumerate(zip(rows, lengths, strict=True)):
        x = MARGIN + (max(lengths) - length) / 2
        y = float(MARGIN + depth * (BOX_HEIGHT + GAP_Y))
        for name in row:
            places[name] = _Place(x + widths[name] / 2, y)
            x += widths[name] + GAP_X
    return places, max(lengths) + 2 * MARGIN


def _arrow(passed: Sequence[_Place]) -> str:
    """A smooth line from the foot of the first box through the lanes to the head of the last."""
    points: list[Point] = [(passed[0].x, passed[0].y + BOX_HEIGHT)]
    for place in passed[1:-1]:
        points += [(place.x, place.y), (place.x, place.y + BOX_HEIGHT)]
    points.append((passed[-1].x, passed[-1].y - 3))
    path = f"M{points[0][0]:.0f} {points[0][1]:.0f}"
    for (x, y), (u, v) in pairwise(points):
        bend = (v - y) / 2
        path += f"C{x:.0f} {y + bend:.0f} {u:.0f} {v - bend:.0f} {u:.0f} {v:.0f}"
    return f'<path d="{path}" fill="none" stroke="var(--ink-soft)" marker-end="url(#tip)"/>'


def _box(node: Node, place: _Place) -> str:
    x, y = place.x - BOX_WIDTH / 2, place.y
    behind = _frame(x + BEHIND, y + BEHIND) if node.repeated else ""
    name = f'<text x="{place.x:.0f}" y="{y + 20:.0f}" font-weight="600">{escape(node.name)}</text>'
    return f"<g {_TEXT}>{behind}{_frame(x, y)}{name}</g>"


def _frame(x: float, y: float) -> str:
    return (
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6" '
        'fill="var(--raised)" stroke="var(--rule)"/>'
    )


def _bar(node: Node, place: _Place, width: float) -> str:
    y = place.y + BOX_HEIGHT
    return (
        f'<g {_TEXT}><path d="M{MARGIN} {y:.0f}H{width - MARGIN:.0f}" stroke="var(--ink-soft)"/>'
        f'<text x="{place.x:.0f}" y="{y - 8:.0f}">{escape(node.name)}</text></g>'
    )
