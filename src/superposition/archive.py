"""The archive of a run: the site, the data behind it and what made it, in one checked file.

The reference run of the scale, and what `make verify` found, go with it.

python -m superposition.archive [SCALE]
"""

import argparse
import hashlib
import json
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from superposition.core import compute
from superposition.core.params import Params
from superposition.core.store import whole
from superposition.workspace import FOLDER

CODE = ("README.md", "LICENSE", "CITATION.cff", "requirements.lock", "pyproject.toml")
RECORD = ("params.yaml", "dvc.yaml", "dvc.lock")
"""What says how the data was made; of a scale's own tree, where it has one."""
TABLES = ("*.parquet", "*.csv", "*.json")
"""Data that goes into the archive. Weights and activations do not: they can be made again."""
OTHERS_TEXT = "documents.parquet"
"""The corpus belongs to its authors; manifest.parquet says where each part is from."""
MANIFEST, ZENODO = "MANIFEST.sha256", ".zenodo.json"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time of every entry, so that the same files give the same archive."""


class ArchiveError(ValueError):
    """Something that the archive needs is not there."""


def build(root: Path, scale: str, target: Path) -> list[str]:
    """Write the archive of `scale` to `target`; the names in it, sorted."""
    tree = root if Params.read(root=root).scale == scale else root / FOLDER / scale
    files = {**_site(root), **_data(tree, scale), **_named(root, CODE), **_named(tree, RECORD)}
    made = {ZENODO: _bytes(zenodo(root)), MANIFEST: _manifest(files).encode()}
    with whole(target) as path, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in compute.progress(sorted(files), "archive"):
            _add(archive, name, files[name].read_bytes())
        for name, content in sorted(made.items()):
            _add(archive, name, content)
    return sorted([*files, *made])


def zenodo(root: Path) -> dict[str, Any]:
    """The description that Zenodo reads, from CITATION.cff."""
    cite = yaml.safe_load((root / "CITATION.cff").read_text("utf-8"))
    names = [each.get("name") or _full_name(each) for each in cite["authors"]]
    related = [
        {"identifier": each["url"], "relation": "references", "scheme": "url"}
        for each in cite.get("references", [])
    ]
    return {
        "title": cite["title"],
        "upload_type": "software",
        "creators": [{"name": name} for name in names],
        "license": cite["license"],
        "version": cite["version"],
        "publication_date": str(cite["date-released"]),
        "related_identifiers": related,
    }


def _site(root: Path) -> dict[str, Path]:
    folder = root / "_site"
    if not (folder / "index.html").exists():
        raise ArchiveError("no _site/index.html: run `make reproduce` first")
    return _below(folder, ["*"], prefix="site")


def _data(tree: Path, scale: str) -> dict[str, Path]:
    folder = tree / "data" / scale
    found = _below(folder, TABLES, prefix=f"data/{scale}")
    kept = {name: path for name, path in found.items() if path.name != OTHERS_TEXT}
    reference = tree / "data" / "reference" / scale
    kept |= _below(reference, ("*",), prefix=f"data/reference/{scale}")
    if f"data/{scale}/claims.json" not in kept:
        raise ArchiveError(f"no {folder / 'claims.json'}: run `make reproduce SCALE={scale}`")
    return kept


def _below(folder: Path, patterns: Iterable[str], *, prefix: str) -> dict[str, Path]:
    paths = {path for pattern in patterns for path in folder.rglob(pattern) if path.is_file()}
    return {f"{prefix}/{path.relative_to(folder).as_posix()}": path for path in paths}


def _named(tree: Path, names: Iterable[str]) -> dict[str, Path]:
    missing = [name for name in names if not (tree / name).exists()]
    if missing:
        raise ArchiveError(f"no {', '.join(missing)} in {tree}")
    return {name: tree / name for name in names}


def _manifest(files: dict[str, Path]) -> str:
    """As `sha256sum --check` reads it."""
    sums = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    return "".join(f"{sums[name]}  {name}\n" for name in sorted(sums))


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, date_time=EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)


def _bytes(values: Any) -> bytes:
    return (json.dumps(values, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _full_name(person: dict[str, str]) -> str:
    return ", ".join(filter(None, [person.get("family-names"), person.get("given-names")]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m superposition.archive")
    parser.add_argument("scale", nargs="?", default="laptop", help="smoke, laptop or full")
    scale = parser.parse_args().scale
    target = Path(f"superposition-{scale}.zip")
    try:
        names = build(Path(), scale, target)
    except ValueError as error:
        sys.exit(f"archive: {error}")
    print(f"{len(names)} files in {target}, {target.stat().st_size / 1e6:.1f} MB")
