"""The README's table says what claims.json says."""

from typing import Any

import pytest

from superposition.claims import summary
from superposition.claims.core import VERDICTS

README = f"# Title\n\n{summary.BEGIN}\nold\n{summary.END}\n\nmore\n"


def entry(**fields: Any) -> dict[str, Any]:
    return {
        "id": "a10",
        "statement": "Two | features.",
        "paper": "TMS",
        "source": "figure",
        "expectation": "two",
        "measured": 0.123456,
        "quantity": "angle",
        "verdict": "not replicated",
    } | fields


def test_the_table_replaces_what_stood_between_the_markers_and_nothing_else() -> None:
    text = summary.insert(README, [entry(), entry(id="a11", verdict="replicated", measured=None)])
    assert text.startswith("# Title\n\n<!-- verdicts:begin -->\n**2 claims: 1 replicated, 1 not")
    assert text.endswith("<!-- verdicts:end -->\n\nmore\n")
    assert "old" not in text
    assert r"| `a10` Two \| features. | 0.123 (angle) | ❌ not replicated |" in text
    assert summary.insert(text, [entry()]) == summary.insert(README, [entry()])


def test_every_paper_has_a_table_of_its_own() -> None:
    text = summary.table([entry(), entry(id="b1", paper="TM", verdict="partly"), entry(id="a11")])
    assert "<b>TMS</b>: 2 claims: 2 not replicated." in text
    assert "<b>TM</b>: 1 claim: 1 partly." in text
    assert text.count("<details>") == 2


def test_a_readme_without_the_markers_is_refused() -> None:
    with pytest.raises(ValueError, match=r"README\.md needs the markers"):
        summary.insert("# Title\n", [entry()])


def test_every_verdict_has_a_mark() -> None:
    assert set(summary.MARKS) == set(VERDICTS)
