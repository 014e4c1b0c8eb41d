"""The verdicts as the README shows them."""

from collections import Counter
from typing import Any

BEGIN, END = "<!-- verdicts:begin -->", "<!-- verdicts:end -->"
"""The README's markers; what stands between them is replaced."""
MARKS = {
    "replicated": "✅ replicated",
    "partly": "🟡 partly",
    "not replicated": "❌ not replicated",
    "not run at this scale": "– not run",
}


def insert(readme: str, claims: list[dict[str, Any]]) -> str:
    """`readme` with the table of `claims` between its markers."""
    if readme.count(BEGIN) != 1 or readme.count(END) != 1:
        raise ValueError(f"README.md needs the markers {BEGIN} and {END}, once each")
    before, rest = readme.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n{table(claims)}\n{END}{after}"


def table(claims: list[dict[str, Any]]) -> str:
    """How many claims came out how, and for every paper a table to unfold, in Markdown."""
    papers = list(dict.fromkeys(claim["paper"] for claim in claims))
    parts = [
        _paper(paper, [claim for claim in claims if claim["paper"] == paper]) for paper in papers
    ]
    return "\n\n".join([f"**{_totals(claims)}**", *parts])


def _paper(paper: str, claims: list[dict[str, Any]]) -> str:
    head = ["| claim | measured | verdict |", "|---|---|---|"]
    rows = "\n".join([*head, *map(_row, claims)])
    title = f"<summary><b>{paper}</b>: {_totals(claims)}</summary>"
    return f"<details>\n{title}\n\n{rows}\n\n</details>"


def _totals(claims: list[dict[str, Any]]) -> str:
    counts = Counter(claim["verdict"] for claim in claims)
    each = ", ".join(f"{counts[verdict]} {verdict}" for verdict in MARKS if counts[verdict])
    return f"{len(claims)} claim{'' if len(claims) == 1 else 's'}: {each}."


def _row(claim: dict[str, Any]) -> str:
    measured = claim["measured"]
    shown = "" if measured is None else f"{_number(measured)} ({claim['quantity']})"
    cells = [f"`{claim['id']}` {claim['statement']}", shown, MARKS[claim["verdict"]]]
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _number(value: float | int | str) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
