"""Claims in the pages: a box for one, a table of many, the whole scorecard; from claims.json.

Every word of a verdict comes from the record, so that a page reads the same whatever came out.
All text is escaped: nothing in a record can act as Markdown or HTML.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from IPython.display import Markdown

from superposition.reference.beside import COLUMN
from superposition.values import fmt

SCORECARD = "scorecard.qmd"
"""The page on which every claim has its entry, its id as anchor."""
BADGES = {
    "replicated": "replicated",
    "partly": "partly",
    "not replicated": "not-replicated",
    "not run at this scale": "not-run",
}
"""Class of each verdict in the style sheet."""
ADDRESSES = {
    "Toy Models of Superposition": "https://transformer-circuits.pub/2022/toy_model/index.html",
    "Superposition, Memorization, and Double Descent": "https://transformer-circuits.pub/2023/"
    "toy-double-descent/index.html",
    "Towards Monosemanticity": "https://transformer-circuits.pub/2023/monosemantic-features/"
    "index.html",
    "Superposition & Sparse Autoencoders (ARENA)": "https://github.com/callummcdougall/ARENA_3.0",
    "Sparse but Wrong": "https://arxiv.org/abs/2508.16560",
    "How LLMs Represent So Many Features": "https://setizai.substack.com/p/"
    "how-llms-represent-so-many-features",
}
"""Where to read each source of claims."""
MARKS = {"replicated": "[Re]", "partly": "[Re, partly]", "not replicated": "[¬Re]"}
"""What stands before a claim, after the titles of the journal ReScience C."""
NOTHING = "–"

Record = dict[str, Any]

_SPACE = re.compile(r"[ \t\r\n\f\v]+")
_UNSEEN = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!$~^@&:])")


def plain(text: object) -> str:
    r"""`text` as literal Markdown on one line: nothing in it has a meaning, in tables neither.

    Characters that cannot be seen, or that turn their surroundings round, are spelt out.

    >>> plain("a|b *c*") == r"a&#124;b \*c\*"
    True
    """
    words = "".join(map(_seen, _SPACE.sub(" ", str(text)).strip()))
    return _SPECIAL.sub(r"\\\1", words).replace("|", "&#124;") or NOTHING


def literal(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with every text in it, column names too, as literal Markdown: ready for `table`."""
    texts = {
        plain(name): [plain(value) if isinstance(value, str) else value for value in frame[name]]
        for name in frame.columns
    }
    return pd.DataFrame(texts)


def about_scale(scale: str) -> Markdown:
    """A warning where the numbers only show that everything runs; nothing at other scales."""
    if scale != "smoke":
        return Markdown("")
    return Markdown(
        "::: {.callout-warning}\n## A trial run\n"
        "This site was built at the scale `smoke`, at which models are barely trained. It shows "
        "that every step works; its numbers say nothing about the papers.\n:::\n"
    )


def mark(claims: pd.DataFrame, id: str) -> Markdown:
    """The verdict of one claim inside a sentence, a link to its entry."""
    return Markdown(f"[{badge(_record(claims, id)['verdict'])}]({SCORECARD}#{id})")


def badge(verdict: str) -> str:
    """A verdict as a coloured word."""
    if verdict not in BADGES:
        raise ValueError(f"verdict={verdict!r} is unknown; have: {', '.join(BADGES)}")
    return f"[{verdict}]{{.verdict .{BADGES[verdict]}}}"


def verdict(claims: pd.DataFrame, id: str) -> Markdown:
    """The box of one claim: what was claimed, what was expected, what came out."""
    record = _record(claims, id)
    link = f"[Claim {plain(id)}]({SCORECARD}#{id})"
    return Markdown(_box(record, head=link, more={}))


def summary(claims: pd.DataFrame, *, verdicts: Sequence[str] = tuple(BADGES)) -> Markdown:
    """A table of the claims that have one of `verdicts`: verdict, claim, what was measured, where.

    In parentheses, 95% intervals.
    """
    chosen = [record for record in _records(claims) if record["verdict"] in verdicts]
    if not chosen:
        return Markdown(f"No claim is {' or '.join(verdicts)}.")
    rows = [
        [
            badge(record["verdict"]),
            f"{plain(record['statement'])} [{plain(record['id'])}]({SCORECARD}#{record['id']})",
            _reference_cell(record),
            _cell(record),
        ]
        for record in chosen
    ]
    header = ["verdict", "claim", "reference run", "measured here"]
    return Markdown(pipe_table(header, rows, widths=[4, 12, 5, 8]))


def tally(claims: pd.DataFrame) -> Markdown:
    """How many claims of each paper came out how, as a table."""
    counts = Counter((record["paper"], record["verdict"]) for record in _records(claims))
    rows = [
        [plain(paper), *(fmt(counts[paper, name]) for name in BADGES)] for paper in papers(claims)
    ]
    totals = (sum(counts[paper, name] for paper in papers(claims)) for name in BADGES)
    header = ["source", *(badge(name) for name in BADGES)]
    return Markdown(
        pipe_table(header, [*rows, ["all", *map(fmt, totals)]], widths=[10, 5, 4, 6, 8])
    )


def scorecard(claims: pd.DataFrame, *, paper: str) -> Markdown:
    """The entries of every claim of one paper, each under its id as anchor."""
    chosen = [record for record in _records(claims) if record["paper"] == paper]
    if not chosen:
        raise ValueError(f"no claim of {paper!r}; have: {', '.join(papers(claims))}")
    return Markdown("\n\n".join(_entry(record) for record in chosen))


def papers(claims: pd.DataFrame) -> list[str]:
    """The papers that claims are taken from, in the order of the claims."""
    return list(dict.fromkeys(record["paper"] for record in _records(claims)))


def pipe_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, widths: Sequence[int]
) -> str:
    """A Markdown table of ready-made cells; `widths` say how wide its columns are to each other."""
    rule = [":" + "-" * (10 * width) for width in widths]
    lines = [list(header), rule, *map(list, rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _entry(record: Record) -> str:
    """One claim on the scorecard: its box, with its id as anchor and where to look further."""
    module, _, function = record["code"].partition(":")
    figure = record["figure"].replace(".html", ".qmd")
    path = f"src/{module.replace('.', '/')}.py"
    see = f"[where it is shown]({figure}); judged by `{function}` in `{path}`"
    mark = plain(MARKS.get(record["verdict"], ""))
    head = f"{mark if mark != NOTHING else ''} Claim {plain(record['id'])}".strip()
    return _box(record, head=head, more={"See": see}, anchor=record["id"])


def _box(record: Record, *, head: str, more: dict[str, str], anchor: str = "") -> str:
    rows = {
        "Published": plain(record["published"]),
        "Counts as replicated": plain(record["expectation"]),
        **_references(record),
        "Came out here": _outcome(record),
    }
    words = plain(record["statement"])
    paper = plain(record["paper"])
    if address := ADDRESSES.get(record["paper"]):
        paper = f"[{paper}]({address})"
    source = f"[{paper}, {plain(record['source'])}]{{.claim-source}}"
    statement = f"“{words}” {source}" if record["quoted"] else f"{words} {source}"
    opening = f":::: {{{f'#{anchor} ' if anchor else ''}.claim .{BADGES[record['verdict']]}}}"
    body = f"{badge(record['verdict'])} {head}\n\n{statement}\n\n{_definitions(rows | more)}"
    return f"{opening}\n{body}\n::::\n"


def _references(record: Record) -> dict[str, str]:
    """What each reference run came to: the measured value, and the verdict in words."""
    return {
        f"Reference run, {scale}": f"{_measured(found)}, {found['verdict']}"
        for scale, found in _runs(record).items()
    }


def _runs(record: Record) -> dict[str, Record]:
    """The reference runs that know the claim, by scale; none where nobody looked for them."""
    runs = record.get(COLUMN)
    return runs if isinstance(runs, dict) else {}


def _reference_cell(record: Record) -> str:
    """What the reference runs measured, for a table; words that are those measured here, once."""
    scales: dict[str, list[str]] = {}
    for scale, found in _runs(record).items():
        text = _measured(found).replace("95% interval ", "")
        is_same = isinstance(found["measured"], str) and found["measured"] == record["measured"]
        scales.setdefault("the same" if is_same else text, []).append(scale)
    shown = (f"{' and '.join(names)}: {text}" for text, names in scales.items() if text != NOTHING)
    return "; ".join(shown) or NOTHING


def _seen(character: str) -> str:
    unseen = unicodedata.category(character) in _UNSEEN
    return f"\\u{ord(character):04x}" if unseen else character


def _definitions(rows: dict[str, str]) -> str:
    """A definition list: it wraps on a phone, where a table would not."""
    return "\n\n".join(f"{name}\n:   {text}" for name, text in rows.items())


def _outcome(record: Record) -> str:
    """What was measured, with its interval, and the sentence with the numbers behind it."""
    detail = plain(record["detail"])
    if record["measured"] is None or _is_missing(record["measured"]):
        return detail
    return f"{plain(_capital(record['quantity']))}: **{_measured(record)}**. {detail}"


def _measured(record: Record) -> str:
    """The measured value with its 95% interval."""
    value = record["measured"]
    if value is None or _is_missing(value):
        return NOTHING
    if isinstance(value, str):
        return plain(value)
    text = plain(_number(value))
    if record["interval"] is None or _is_missing(record["interval"]):
        return text
    low, high = (plain(_number(end)) for end in record["interval"])
    return f"{text} (95% interval {low} to {high})"


def _number(value: float | int) -> str:
    """`value`, without decimals if it is whole: a frame turns counts beside gaps into floats."""
    whole = math.isfinite(value) and value == int(value)
    return fmt(int(value) if whole else value)


def _cell(record: Record) -> str:
    """What was measured, for a table: the quantity and its value, which leads to the figure."""
    value = _measured(record).replace("95% interval ", "")
    if value == NOTHING:
        return NOTHING
    figure = record["figure"].replace(".html", ".qmd")
    return f"{plain(record['quantity'])}: [{value}]({figure})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _is_missing(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _record(claims: pd.DataFrame, id: str) -> Record:
    found = {record["id"]: record for record in _records(claims)}
    if id not in found:
        raise ValueError(f"no claim {id!r} in claims.json; have: {', '.join(found)}")
    return found[id]


def _records(claims: pd.DataFrame) -> list[Record]:
    return claims.to_dict("records")
