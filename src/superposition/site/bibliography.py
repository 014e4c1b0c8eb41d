"""The annotated bibliography: what each source says, what is used of it, and where it is cited."""

import re
from pathlib import Path
from typing import NamedTuple

import yaml
from IPython.display import Markdown

from superposition.site import source
from superposition.site.cards import plain

SOURCE, NOTES = "paper/references.bib", "paper/bibliography.yml"
_ENTRY = re.compile(r"^@\w+\{([\w-]+),\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^\s*(\w+) = \{(.*)\},?$", re.MULTILINE)


class BibliographyError(ValueError):
    """A source without a note, or a note without its source."""


class Note(NamedTuple):
    """One source, annotated."""

    key: str
    """Its key in references.bib."""
    says: str
    """What it claims."""
    used: str
    """What of it this report uses."""


def notes(root: Path) -> dict[str, list[Note]]:
    """The notes by group; every source of references.bib must have one."""
    tree = yaml.safe_load((root / NOTES).read_text("utf-8"))
    groups = {part["group"]: [Note(**entry) for entry in part["entries"]] for part in tree}
    noted = {note.key for group in groups.values() for note in group}
    if wrong := noted ^ set(sources(root)):
        raise BibliographyError(f"in only one of {SOURCE} and {NOTES}: {', '.join(sorted(wrong))}")
    return groups


def sources(root: Path) -> dict[str, dict[str, str]]:
    """The fields of every entry of references.bib, by key."""
    text = (root / SOURCE).read_text("utf-8")
    return {key: dict(_FIELD.findall(fields)) for key, fields in _ENTRY.findall(text)}


def citing(root: Path) -> dict[str, list[tuple[str, str]]]:
    """The pages that cite each source, as file name and title, in alphabetical order of names."""
    found: dict[str, list[tuple[str, str]]] = {}
    for page in sorted((root / "paper").glob("*.qmd")):
        text = page.read_text("utf-8")
        title = str(source.front_matter(text).get("title", page.stem))
        for key in set(re.findall(r"@([a-z]\w*)", text)):
            found.setdefault(key, []).append((page.name, title))
    return found


def listing(root: Path) -> Markdown:
    """Every group under its heading, every source with its note."""
    known, cited = sources(root), citing(root)
    parts = []
    for number, (group, members) in enumerate(notes(root).items(), start=1):
        entries = "\n\n".join(_entry(note, known, cited) for note in members)
        parts.append(f"## {plain(group)} {{#sec-sources-{number}}}\n\n{entries}")
    return Markdown("\n\n".join(parts))


def _entry(
    note: Note, known: dict[str, dict[str, str]], cited: dict[str, list[tuple[str, str]]]
) -> str:
    fields = known[note.key]
    title = plain(re.sub(r"[{}\\]", "", fields["title"]))
    address = fields.get("url") or ("doi" in fields and f"https://doi.org/{fields['doi']}")
    head = f"[{title}]({address})" if address else title
    pages = ", ".join(f"[{plain(name)}]({page})" for page, name in cited.get(note.key, []))
    lines = [f"*Says:* {plain(note.says)}", f"*Used here:* {plain(note.used)}"]
    lines += [f"*Cited in:* {pages}."] if pages else []
    return f"{head} [@{note.key}]\n" + "\n\n".join(f":   {line}" for line in lines)
