"""Where a figure's numbers come from, as a card under it: read from dvc.lock, never by hand.

Every figure is shown by a `Figures`, which knows what the results were asked for since the figure
before: those experiments are its origins. A card has their parameters, hashes, times and the
command that makes just them again; figure-cards.js adds downloads and a citation.
"""

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import altair as alt
import torch
import yaml
from IPython.display import Markdown

from superposition.core.store import ArtefactError
from superposition.reference import machine
from superposition.results import ROWS_OF, Asked, Results, title_of
from superposition.site import figures, missing
from superposition.site.stages import duration

LOCK, CITATION = "dvc.lock", "CITATION.cff"
HASH_DIGITS = 12
"""Of a checksum, enough to tell two files apart by eye; the whole one is in dvc.lock."""


class ProvenanceError(ValueError):
    """A figure that does not say where it comes from."""


class File(NamedTuple):
    """A file or folder of the pipeline, as it was."""

    path: str
    md5: str


@dataclass(frozen=True, kw_only=True)
class Origin:
    """One experiment behind a figure."""

    title: str
    """Its stage in DVC: stage, or stage@row."""
    parameters: dict[str, Any]
    """Its row of params.yaml; the section, for a stage without rows."""
    inputs: list[File]
    """The data that it read, as dvc.lock has it."""
    outputs: list[File]
    """What it wrote; empty where the lock does not know the stage."""
    seconds: float | None
    """Wall time of its last run on this machine."""


@dataclass
class Figures:
    """`show` for one page: a chart, with a card that says where it comes from."""

    results: Results
    """What the page's cells ask for data."""
    root: Path = field(default_factory=Path)
    """The folder with dvc.lock and CITATION.cff."""

    def __call__(
        self, chart: alt.TopLevelMixin, *, alt_text: str | None = None, computed_by: str = ""
    ) -> Markdown:
        """`chart` and its card.

        `computed_by` names the function that made its data, where no experiment did.
        Raises ProvenanceError where neither an experiment nor a function is behind it.
        """
        asked = self.results.take_asked()
        if not asked and not computed_by:
            raise ProvenanceError(
                "this figure's cell asks the results for nothing, so its card would be empty: "
                "ask within the cell, or name the function with computed_by='module:function'"
            )
        drawn = figures.show(chart, alt_text=alt_text)
        return Markdown(f"{drawn.data}\n{self.card(asked, computed_by=computed_by)}")

    def card(self, asked: Iterable[Asked], *, computed_by: str = "") -> str:
        """The card of a figure drawn from what was asked for, as raw HTML for a page."""
        origins = [origin(self.results, one, root=self.root) for one in asked]
        return f"```{{=html}}\n{_html(self.results, origins, computed_by, self.root)}\n```\n"


def report() -> tuple[Results, Figures]:
    """The results of the run in this folder, and `show` for a page about them."""
    missing.guard()
    results = Results.read()
    return results, Figures(results)


def origin(r: Results, asked: Asked, *, root: Path) -> Origin:
    """What is known about one experiment that the results were asked for."""
    stage, row = asked
    title = title_of(asked)
    locked = _lock(root).get(title, {})
    try:
        seconds = r.store.load_json("costs", f"{title}.json")["seconds"]
    except ArtefactError:
        seconds = None
    return Origin(
        title=title,
        parameters=_parameters(r, stage, row),
        inputs=_files(locked.get("deps", []), within="data/"),
        outputs=_files(locked.get("outs", [])),
        seconds=seconds,
    )


@cache
def _lock(root: Path) -> dict[str, Any]:
    """The stages of dvc.lock; none where nothing has run under DVC."""
    path = root / LOCK
    if not path.exists():
        return {}
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text("utf-8"), Loader=loader).get("stages", {})


@cache
def _commit(root: Path) -> str:
    """The commit of the code, and whether files differ from it; empty without git."""
    commit, with_changes, _ = machine.commit(root).partition(machine.CHANGED)
    if commit == machine.UNKNOWN:
        return ""
    return f"{commit[:12]},{with_changes}" if with_changes else commit[:12]


@cache
def _citation(root: Path) -> dict[str, str]:
    """What a citation of a figure says of the whole: title, author, year, version."""
    tree = yaml.safe_load((root / CITATION).read_text("utf-8"))
    author = " and ".join(each.get("name") or each["family-names"] for each in tree["authors"])
    year = str(tree["date-released"])[:4]
    return {"title": tree["title"], "author": author, "year": year, "version": tree["version"]}


def _machine() -> str:
    where = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.machine()
    cores = f"{os.cpu_count()} cores"
    return f"{where}, {cores}, Python {platform.python_version()}, torch {torch.__version__}"


def _parameters(r: Results, stage: str, row: str) -> dict[str, Any]:
    """The row of an experiment; of a stage that runs over another's rows, both."""
    if stage not in r.params.tree:
        return {}
    trained_by = ROWS_OF.get(stage)
    if trained_by is None:
        return r.params.value(stage, row or None)
    return r.params.value(stage) | {trained_by: r.params.value(trained_by, row)}


def _files(entries: list[dict[str, Any]], *, within: str = "") -> list[File]:
    return [
        File(entry["path"], entry["md5"]) for entry in entries if entry["path"].startswith(within)
    ]


def _html(r: Results, origins: list[Origin], computed_by: str, root: Path) -> str:
    facts = {"Scale": escape(r.params.scale), "Code": escape(_commit(root) or "not under git")}
    facts |= {"Page built on": escape(_machine())}
    if computed_by:
        facts |= {"Computed by": f"<code>{escape(computed_by)}</code>"}
    facts |= {"Make again": f"<code>{escape(command(origins))}</code>"}
    rows = "".join(f"<div><dt>{name}</dt><dd>{text}</dd></div>" for name, text in facts.items())
    cite = json.dumps(_citation(root), sort_keys=True)
    return (
        f'<details class="figure-card" data-cite="{escape(cite)}">'
        "<summary>Data, source, citation</summary>"
        f"{''.join(map(_origin, origins))}<dl>{rows}</dl></details>"
    )


def command(origins: list[Origin]) -> str:
    """What makes the data of a figure and its page again, on a machine that has the rest."""
    stages = " ".join(origin.title for origin in origins)
    return f"dvc repro {stages} && make paper" if stages else "make paper"


def _origin(each: Origin) -> str:
    """One experiment: a line that unfolds."""
    took = f" · {duration(each.seconds)}" if each.seconds is not None else ""
    text = yaml.safe_dump(each.parameters, sort_keys=False, default_flow_style=None, width=88)
    parts = [
        f"<pre>{escape(text.strip())}</pre>" if each.parameters else "",
        _listed("read", each.inputs),
        _listed("wrote", each.outputs),
    ]
    known = "" if each.outputs else " · not in dvc.lock: run without DVC"
    return (
        f'<details class="origin"><summary><code>{escape(each.title)}</code>{took}{known}'
        f"</summary>{''.join(parts)}</details>"
    )


def _listed(verb: str, files: list[File]) -> str:
    if not files:
        return ""
    items = "".join(
        f"<li><code>{escape(file.path)}</code> <code>{file.md5[:HASH_DIGITS]}</code></li>"
        for file in files
    )
    return f"<p>{verb.capitalize()}, with MD5:</p><ul>{items}</ul>"
