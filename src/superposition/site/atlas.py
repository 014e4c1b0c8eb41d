"""The atlas beside its page: an index to search, and every unit in a small file of its own kind.

`fetch` does not work from a disk, so each file is a script that hands its part to `atlas.part`.
The words in it are JSON strings, which the page only ever shows as text.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from superposition.core.params import Params
from superposition.core.store import ArtefactError, Store
from superposition.language.tokens import token_bytes
from superposition.results import Results
from superposition.site import atlas_entries
from superposition.site.atlas_entries import Entry
from superposition.site.atlas_text import pieces

PAGE, FOLDER = "atlas.html", "atlas"
UNITS_PER_SHARD = 16
"""Units in a file: about 50 kB."""
UNITS_PER_INDEX = 1024
"""Units in a file of the index: under 200 kB."""
TOKENS_PER_PART = 4096
"""Tokens in a file of the vocabulary."""
INDEXED = ("active", "concept", "f1", "mcc", "effect", "top")
"""What the list shows and sorts by; the rest of the index is loaded for a search."""

Part = Any


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One dictionary of the atlas."""

    name: str
    """What its addresses begin with: latent, neuron, or <row>-latent."""
    row: str
    """The row of `atlas`."""
    reads: str
    """The dictionary."""


def write(page: Path, *, root: Path) -> None:
    """Put the parts of the atlas of the project in `root` beside `page`."""
    folder = page.with_name(FOLDER)
    folder.mkdir(exist_ok=True)
    for name, part in parts(Results.read(root=root)):
        text = json.dumps(part, separators=(",", ":"), sort_keys=True, ensure_ascii=True)
        text = text.replace("<", "\\u003c")
        (folder / f"{name}.js").write_text(f'atlas.part("{name}",{text});\n', encoding="utf-8")


def parts(r: Results) -> Iterator[tuple[str, Part]]:
    """The files of the atlas by name: what there is, the vocabulary, the index, the entries."""
    described, vocabulary = [], _vocabulary(r)
    names: dict[str, int] = {}
    for kind in kinds(r.params):
        about: dict[str, Any] = {"name": kind.name, "reads": kind.reads, "row": kind.row}
        try:
            found = list(atlas_entries.entries(r, kind.row))
            about |= {"n_tokens": int(r.atlas(kind.row).metrics.things["n_tokens"])}
        except ArtefactError as error:
            described.append(about | {"n": 0, "missing": [str(error)]})
            continue
        for number, start in enumerate(range(0, len(found), UNITS_PER_SHARD)):
            yield f"{kind.name}-{number}", found[start : start + UNITS_PER_SHARD]
        for number, start in enumerate(range(0, len(found), UNITS_PER_INDEX)):
            some = found[start : start + UNITS_PER_INDEX]
            yield f"{kind.name}-index-{number}", _index(some, names)
            yield f"{kind.name}-search-{number}", _search(some, names)
        described.append(about | {"n": len(found), "missing": atlas_entries.missing(r, kind.row)})
    for number, start in enumerate(range(0, len(vocabulary), TOKENS_PER_PART)):
        yield f"vocabulary-{number}", vocabulary[start : start + TOKENS_PER_PART]
    sizes = {"shard": UNITS_PER_SHARD, "index": UNITS_PER_INDEX, "vocabulary": TOKENS_PER_PART}
    yield (
        "contents",
        {
            "scale": r.params.scale,
            "kinds": described,
            "concepts": list(names),
            "n_vocabulary": len(vocabulary),
            "sizes": sizes,
        },
    )


def kinds(params: Params) -> list[Kind]:
    """The dictionaries: the first autoencoder's units are called latent, the others <row>-latent.

    A transformer's are called neuron.
    """
    found: list[Kind] = []
    for row in params.rows("atlas") if "atlas" in params.tree else []:
        reads = str(params.value("atlas", row)["reads"])
        name = "latent" if reads.startswith("sae/") else "neuron"
        taken = name in {kind.name for kind in found}
        found.append(Kind(name=f"{row}-{name}" if taken else name, row=row, reads=reads))
    return found


def address(store: Store, row: str, unit: int) -> str | None:
    """Where a latent of a row of `sae` has its entry, or None if it has none."""
    named = {kind.reads: kind for kind in kinds(Params.read(store.scale, root=store.root))}
    kind = named.get(f"sae/{row}")
    if kind is None or not store.path("atlas", kind.row, "units.parquet").exists():
        return None
    return f"{PAGE}#{kind.name}-{unit}"


def _vocabulary(r: Results) -> list[list[str]]:
    """Every token in pieces; none if there is no tokenizer yet."""
    try:
        tokenizer = r.tokenizer
    except ArtefactError:
        return []
    return [pieces(token_bytes(tokenizer, token)) for token in range(tokenizer.get_vocab_size())]


def _index(some: list[Entry], names: dict[str, int]) -> dict[str, list[Any]]:
    """The numbers of some units, column by column; concepts by their number in `names`."""
    columns: dict[str, list[Any]] = {name: [] for name in INDEXED}
    for entry in some:
        best = entry["concepts"][0] if entry["concepts"] else None
        named = -1 if best is None else names.setdefault(best["name"], len(names))
        scores = [max((c[by] for c in entry["concepts"]), default=None) for by in ("f1", "mcc")]
        top = entry["tokens"][0][0] if entry["tokens"] else -1
        values = (entry["active"], named, *scores, entry["effect"][1], top)
        for name, value in zip(INDEXED, values, strict=True):
            columns[name].append(value)
    return columns


def _search(some: list[Entry], names: dict[str, int]) -> dict[str, list[list[int]]]:
    """What a search looks through: token ids and concepts of each unit."""
    return {
        "tokens": [[token for token, _ in entry["tokens"]] for entry in some],
        "up": [[token for token, _ in entry["up"]] for entry in some],
        "down": [[token for token, _ in entry["down"]] for entry in some],
        "concepts": [
            [names.setdefault(concept["name"], len(names)) for concept in entry["concepts"]]
            for entry in some
        ],
    }
