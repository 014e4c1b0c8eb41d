"""The glossary: its entries on a page of their own, and beside all pages for a look on hover."""

import json
from pathlib import Path

import yaml
from IPython.display import Markdown

from superposition.site.cards import plain

SOURCE, NAME = "paper/glossary.yml", "glossary.js"

Entry = dict[str, str | list[str]]


class GlossaryError(ValueError):
    """An entry that lacks its word or its meaning, or comes twice."""


def entries(root: Path) -> list[Entry]:
    """The glossary of the project in `root`, in alphabetical order; empty if it has none."""
    path = root / SOURCE
    if not path.exists():
        return []
    found: list[Entry] = yaml.safe_load(path.read_text("utf-8"))
    for entry in found:
        unknown = set(entry) - {"term", "forms", "meaning"}
        if unknown or not entry.get("term") or not entry.get("meaning"):
            raise GlossaryError(f"{SOURCE}: {entry} needs term and meaning, and may have forms")
    words = [word.lower() for entry in found for word in spellings(entry)]
    twice = sorted({word for word in words if words.count(word) > 1})
    if twice:
        raise GlossaryError(f"{SOURCE}: {', '.join(twice)} twice")
    return sorted(found, key=lambda entry: str(entry["term"]).lower())


def spellings(entry: Entry) -> list[str]:
    """The word of an entry and its other forms."""
    return [str(entry["term"]), *entry.get("forms", [])]


def anchor(entry: Entry) -> str:
    """The address of an entry on the glossary's page."""
    return "term-" + str(entry["term"]).lower().replace(" ", "-")


def listing(root: Path) -> Markdown:
    """Every entry as a definition, with its anchor."""
    items = (
        f"[{plain(entry['term'])}]{{#{anchor(entry)}}}\n:   {plain(entry['meaning'])}"
        for entry in entries(root)
    )
    return Markdown("\n\n".join(items))


def script(root: Path) -> str:
    """The entries as `window.glossary`: each spelling, in lower case, with meaning and anchor."""
    words = {
        spelling.lower(): {"meaning": entry["meaning"], "anchor": anchor(entry)}
        for entry in entries(root)
        for spelling in spellings(entry)
    }
    return f"window.glossary = {json.dumps(words, sort_keys=True)};\n"
