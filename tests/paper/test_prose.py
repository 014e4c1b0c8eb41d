"""The prose keeps its promises: no typed results, names that exist, short cells."""

import re
from collections import Counter
from pathlib import Path

import pytest
from tests.paper.synthetic import SCALE, write_params, write_results

from superposition import dictionary, dvc_stages
from superposition.artefacts import Named
from superposition.claims.core import Claim, all_claims
from superposition.core.store import Store, schema
from superposition.results import Results
from superposition.site import source
from superposition.sources import Missing
from superposition.values import values

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "paper").glob("*.qmd"))
TEXTS = {page.name: page.read_text(encoding="utf-8") for page in PAGES}
MAX_CELL_LINES = 6
NUMBER = re.compile(r"(?<![\w.])\d+\.\d+|\d\s?%")
CITED = re.compile(r"@[a-z]\w*\d{4}|\]\(https?://")
NO_RESULT = re.compile(r"95% intervals?|Python 3\.\d+|sections? \d+\.\d+")
"""Numbers that are a convention, a version or an address."""

every_page = pytest.mark.parametrize("name", TEXTS)


@pytest.fixture(scope="module")
def known_values(tmp_path_factory: pytest.TempPathFactory) -> Named:
    """The values of made-up results: their names are those of any results."""
    folder = tmp_path_factory.mktemp("results")
    write_params(folder)
    write_results(Store(scale=SCALE, root=folder))
    return values(Results.read(root=folder))


@pytest.fixture(scope="module")
def claims() -> list[Claim]:
    return all_claims()


def words_of(text: str) -> str:
    """The text of a page without front matter, code, formulas, names of things, line by line."""
    text = re.sub(r"\A---\n.*?\n---\n", lambda found: "\n" * found[0].count("\n"), text, flags=re.S)
    text = re.sub(r"^(`{3,}).*?^\1", _blank, text, flags=re.S | re.M)
    text = re.sub(r"\$\$.*?\$\$|`[^`\n]*`|\$[^$\n]*\$|\{[#.][^}]*\}", _blank, text, flags=re.S)
    return re.sub(r"\]\((?!http)[^)]*\)", "]", text)


def naked_numbers(text: str) -> list[str]:
    """Lines with a decimal number or a percentage that cite nothing."""
    lines = (NO_RESULT.sub("", line) for line in words_of(text).splitlines())
    return [line for line in lines if NUMBER.search(line) and not CITED.search(line)]


def _blank(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n")


def labels(text: str) -> list[str]:
    """The labels of figures, tables, equations and sections that a page defines."""
    return re.findall(r"\{#((?:fig|tbl|eq|sec)-[\w-]+)", text)


def test_a_typed_result_is_found_and_a_cited_or_computed_one_is_not() -> None:
    assert naked_numbers("The loss is 3.15 nats.") == ["The loss is 3.15 nats."]
    assert naked_numbers("It is 79 % here.\nOr `{python} v.x` and $S = 0.9$.") == [
        "It is 79 % here."
    ]
    assert (
        naked_numbers("They report 79% [@bricken2023], with 95% intervals\nin section 1.6.") == []
    )


@every_page
def test_no_result_is_typed_by_hand(name: str) -> None:
    assert naked_numbers(TEXTS[name]) == []


@every_page
def test_every_value_named_on_a_page_exists(name: str, known_values: Named) -> None:
    named = set(re.findall(r"\bv\.(\w+)", TEXTS[name]))
    assert named <= set(known_values)


def test_every_value_can_be_computed(known_values: Named) -> None:
    assert [name for name in known_values if isinstance(getattr(known_values, name), Missing)] == []


@every_page
def test_every_claim_named_on_a_page_exists(name: str, claims: list[Claim]) -> None:
    named = set(re.findall(r"\(claims, \"([^\"]+)\"", TEXTS[name]))
    assert named <= {claim.id for claim in claims}


def test_every_claim_is_used_on_a_page(claims: list[Claim]) -> None:
    everything = "\n".join(TEXTS.values())
    assert [claim.id for claim in claims if f'(claims, "{claim.id}")' not in everything] == []


def test_every_source_of_claims_has_its_place_on_the_scorecard(claims: list[Claim]) -> None:
    named = re.findall(r"paper=\"([^\"]+)\"", TEXTS["scorecard.qmd"])
    assert sorted(named) == sorted({claim.paper for claim in claims})


def test_every_claim_points_to_a_label_that_its_page_has(claims: list[Claim]) -> None:
    places = (claim.figure.replace(".html", ".qmd").split("#") for claim in claims)
    assert [f"{page}#{label}" for page, label in places if label not in labels(TEXTS[page])] == []


@every_page
def test_every_cell_is_short(name: str) -> None:
    cells = [cell for cell in source.parse(TEXTS[name]) if cell.is_code]
    long = [cell.name for cell in cells if cell.source.count("\n") >= MAX_CELL_LINES]
    assert cells
    assert long == []


@every_page
def test_every_reference_has_its_label_on_the_same_page(name: str) -> None:
    references = re.findall(r"(?<![\w{])@((?:fig|tbl|eq|sec)-[\w-]+)", words_of(TEXTS[name]))
    assert set(references) <= set(labels(TEXTS[name]))


@every_page
def test_every_figure_and_table_is_referred_to_in_the_text(name: str) -> None:
    text = TEXTS[name]
    shown = [label for label in labels(text) if label.startswith(("fig-", "tbl-"))]
    assert [label for label in shown if not re.search(rf"@{label}(?![\w-])", text)] == []


@every_page
def test_no_label_is_given_twice(name: str) -> None:
    assert [label for label, n in Counter(labels(TEXTS[name])).items() if n > 1] == []


@every_page
def test_every_figure_and_table_has_a_caption(name: str) -> None:
    for label, body in re.findall(
        r"^::: \{#((?:fig|tbl)-[\w-]+).*?\}\n(.*?)\n:::$", TEXTS[name], re.S | re.M
    ):
        caption = body.strip().rsplit("\n\n", 1)[-1]
        assert not caption.startswith(("```", "|")), f"{label} has no caption"


@every_page
def test_every_link_to_a_page_leads_somewhere(name: str) -> None:
    for page, label in re.findall(r"\]\((\w[\w-]*\.qmd)(?:#([\w-]+))?\)", TEXTS[name]):
        assert page in TEXTS, f"{name} links to {page}"
        assert not label or label in labels(TEXTS[page]), f"{name} links to {page}#{label}"


@every_page
def test_every_key_cited_is_in_the_bibliography(name: str) -> None:
    entries = set(
        re.findall(r"@\w+\{([\w-]+),", (ROOT / "paper/references.bib").read_text("utf-8"))
    )
    cited = set(re.findall(r"(?<![\w{])@([a-z]+\w*)", words_of(TEXTS[name])))
    assert {key for key in cited if not re.match(r"(fig|tbl|eq|sec)$", key)} <= entries


@every_page
def test_every_page_says_what_it_is(name: str) -> None:
    head = source.front_matter(TEXTS[name])
    assert head.get("title")
    assert len(head.get("description", "")) > 40


def test_the_dictionary_names_every_table_and_every_column() -> None:
    text = (ROOT / "data/README.md").read_text(encoding="utf-8")
    assert dictionary.filled(text) == text, "run: python -m superposition.dictionary"
    head = text.partition(dictionary.BEGIN)[0]
    missing = [
        name
        for name in schema()
        if name.replace("/", "/<row>/", 1) not in head and name not in head
    ]
    assert missing == []


def test_the_dictionary_names_every_output_of_the_pipeline() -> None:
    head = (ROOT / "data/README.md").read_text(encoding="utf-8").partition(dictionary.BEGIN)[0]
    stages = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    outputs = re.findall(r"^ *(?:outs|metrics):\n((?: *- .*\n| *cache: .*\n)+)", stages, re.M)
    names = re.findall(r"data/\$\{scale\}/([^\s:]+)", "".join(outputs))
    assert names
    assert [name for name in names if f"`{name.replace('${key}', '<row>')}`" not in head] == []


def test_the_page_on_reproducing_explains_every_stage() -> None:
    page = (ROOT / "paper/reproduce.qmd").read_text(encoding="utf-8")
    explained = re.findall(r"^(\w+)\n:   ", page, re.M)
    assert set(dvc_stages.read(ROOT)) <= set(explained)


def test_a_dictionary_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="columns:begin"):
        dictionary.filled("no marks here")
