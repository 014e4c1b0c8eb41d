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
    """How many claims came out how, and a Markdown table with a row for each."""
    counts = Counter(claim["verdict"] for claim in claims)
    totals = ", ".join(f"{counts[verdict]} {verdict}" for verdict in MARKS if counts[verdict])
    rows = [_row(claim) for claim in claims]
    head = ["| claim | source | expected here | measured | verdict |", "|---|---|---|---|---|"]
    return "\n".join([f"{len(claims)} claims: {totals}.", "", *head, *rows])


def _row(claim: dict[str, Any]) -> str:
    measured = claim["measured"]
    shown = "" if measured is None else f"{_number(measured)} ({claim['quantity']})"
    cells = [
        f"`{claim['id']}` {claim['statement']}",
        f"{claim['paper']}, {claim['source']}",
        claim["expectation"],
        shown,
        MARKS[claim["verdict"]],
    ]
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _number(value: float | int | str) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
