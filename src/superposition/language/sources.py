"""Where text comes from: the pinned packages' code, a folder, or a Hugging Face data set.

The one module of the library that reads files which no stage made.
"""

import base64
import csv
import hashlib
import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any, NamedTuple

from superposition.language.selection import File

PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*==\s*([^\s;\\#]+)", re.MULTILINE)
SHUFFLE_BUFFER = 10_000
"""Documents of a streamed data set among which the next one is drawn."""
MAX_LICENCE_CHARACTERS = 80
"""A longer License field holds the licence itself instead of its name."""


class Origin(NamedTuple):
    """A package, folder or data set, as the manifest lists it."""

    package: str
    """Its name."""
    version: str
    """As installed; a data set's commit; empty for a folder."""
    licence: str
    """As it declares it."""
    problem: str = ""
    """Why nothing was taken from it; empty if something could be."""


class Source(NamedTuple):
    """What a source offers."""

    origins: list[Origin]
    """Where its files belong."""
    files: Iterator[File]
    """All of them, in a fixed order, those that cannot be read with the reason in place of text."""


class _Package(NamedTuple):
    origin: Origin
    distribution: Distribution | None
    record: list[tuple[str, str]]
    """Path and hash of each Python file in RECORD."""


def package_source(lock: str, *, site: list[str] | None = None) -> Source:
    """The Python files of the packages pinned as `name==version` in `lock`, as installed in `site`.

    Only files that RECORD lists, with the content that RECORD says: whatever else lies in
    site-packages (caches, local edits) is not text that another machine would see.
    """
    pins: dict[str, list[str]] = {}
    for name, version in PIN.findall(lock):
        pins.setdefault(name, []).append(version)
    if not pins:
        raise ValueError("requirements.lock pins no package in the form name==version")
    names = sorted(pins, key=str.lower)
    packages = [_package(name, pins[name], site or sys.path) for name in names]
    files = (file for package in packages for file in _package_files(package))
    return Source([package.origin for package in packages], files)


def folder_source(folder: Path) -> Source:
    """Every file in `folder` and below it that holds text in UTF-8."""
    if not folder.is_dir():
        raise ValueError(f"text.folder={str(folder)!r} is no folder")
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    if not paths:
        raise ValueError(f"text.folder={str(folder)!r} holds no file")
    files = (_read(folder.name, path.relative_to(folder).as_posix(), path) for path in paths)
    return Source([Origin(folder.name, "", "")], files)


def huggingface_source(
    dataset: str,
    *,
    config: str | None,
    split: str,
    column: str,
    revision: str | None,
    max_bytes: int,
    seed: int,
) -> Source:
    """About the first `max_bytes` of a data set of the Hugging Face hub, or of a local copy of one.

    The data set is streamed, in the order that a buffered shuffle with `seed` gives.
    """
    try:
        origin = _dataset_origin(dataset, revision)
        stream = _dataset_stream(dataset, config, split, origin.version or None)
    except Exception as error:  # whatever the transport, the hub or a format's reader raises
        raise _dataset_error(dataset, error) from None
    texts = stream.shuffle(seed=seed, buffer_size=SHUFFLE_BUFFER)
    return Source([origin], _dataset_files(dataset, texts, split, column, max_bytes))


def _package(name: str, pinned: list[str], site: list[str]) -> _Package:
    distribution = next(iter(distributions(name=name, path=site)), None)
    if distribution is None:
        return _Package(Origin(name, " or ".join(pinned), "", "not installed here"), None, [])
    try:
        origin = Origin(name, distribution.version, _licence(distribution))
        problem = _package_problem(distribution, pinned)
        record = [] if problem else _record(distribution)
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        origin, record = Origin(name, " or ".join(pinned), ""), []
        problem = f"metadata cannot be read: {type(error).__name__}"
    return _Package(origin._replace(problem=problem), distribution, record)


def _package_problem(distribution: Distribution, pinned: list[str]) -> str:
    """Why no text can be taken from `distribution`, or nothing."""
    installed = distribution.version
    if installed not in pinned and installed.partition("+")[0] not in pinned:
        return f"version {installed} is installed, {' or '.join(pinned)} is pinned"
    direct = json.loads(distribution.read_text("direct_url.json") or "{}")
    if direct.get("dir_info", {}).get("editable"):
        return "installed as editable"
    if not distribution.read_text("RECORD"):
        return "no RECORD"
    return ""


def _record(distribution: Distribution) -> list[tuple[str, str]]:
    rows = csv.reader((distribution.read_text("RECORD") or "").splitlines())
    files = ((row[0], row[1] if len(row) > 1 else "") for row in rows if row)
    return sorted(
        (path, recorded)
        for path, recorded in files
        if path.endswith(".py") and not path.startswith(("..", "/"))
    )


def _licence(distribution: Distribution) -> str:
    metadata = distribution.metadata
    fields = (metadata.get_all(key) for key in ("License-Expression", "License", "Classifier"))
    (expression, *_), (licence, *_), classifiers = (values or [""] for values in fields)
    if expression:
        return expression
    if licence and licence != "UNKNOWN" and len(licence) <= MAX_LICENCE_CHARACTERS:
        return " ".join(licence.split())
    licences = [line.split(" :: ")[-1] for line in classifiers if line.startswith("License ::")]
    return "; ".join(licences) or " ".join(licence.split())[:MAX_LICENCE_CHARACTERS]


def _package_files(package: _Package) -> Iterator[File]:
    for path, recorded in package.record:
        assert package.distribution is not None, "a package without a distribution has no record"
        where = Path(str(package.distribution.locate_file(path)))
        yield _read(package.origin.package, path, where, recorded=recorded)


def _read(package: str, path: str, where: Path, *, recorded: str | None = None) -> File:
    """The file at `where`, if it holds text and has the hash that RECORD holds, if one is given."""
    nothing = File(package, path, "", 0)
    try:
        content = where.read_bytes()
    except OSError:
        return nothing.left_out("cannot be read" if recorded is None else "missing")
    if recorded is not None:
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
        if not recorded.startswith("sha256="):
            return nothing.left_out("no sha256 in RECORD")
        if recorded != f"sha256={digest.decode()}":
            return nothing.left_out("not as in RECORD")
    return _decode(package, path, content)


def _decode(package: str, path: str, content: bytes) -> File:
    """The text that `content` is in UTF-8, with nothing changed but the newlines."""
    nothing = File(package, path, "", 0)
    if b"\0" in content:
        return nothing.left_out("holds NUL bytes")
    content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        return File(package, path, content.decode(), len(content))
    except UnicodeDecodeError:
        return nothing.left_out("not UTF-8")


def _dataset_origin(dataset: str, revision: str | None) -> Origin:
    """The data set's commit and licence.

    Asked for before the data set is loaded, because where there is no hub this fails at once, and
    loading only after half a minute of trials, each of them printed.
    """
    if Path(dataset).is_dir():
        return Origin(dataset, "", "")
    from huggingface_hub import HfApi

    info = HfApi().dataset_info(dataset, revision=revision, timeout=10)
    licence = info.card_data.get("license") if info.card_data else None
    return Origin(dataset, info.sha or "", str(licence or ""))


def _dataset_stream(dataset: str, config: str | None, split: str, revision: str | None) -> Any:
    # Imported here because it takes a second, and this source alone needs it.
    from datasets import load_dataset

    return load_dataset(dataset, config, split=split, revision=revision, streaming=True)


def _dataset_files(
    dataset: str, rows: Any, split: str, column: str, max_bytes: int
) -> Iterator[File]:
    iterator, total, index = iter(rows), 0, 0
    while total < max_bytes:
        try:
            row = next(iterator, None)
        except Exception as error:  # as above: a stream is opened when its first row is read
            raise _dataset_error(dataset, error) from None
        if row is None:
            return
        if column not in row:
            have = ", ".join(row)
            raise ValueError(f"no column text.dataset_column={column!r} in {dataset}; have: {have}")
        content = str(row[column]).encode(errors="surrogatepass")
        file = _decode(dataset, f"{split}/{index}", content)
        yield file
        total, index = total + file.n_bytes, index + 1


def _dataset_error(dataset: str, error: Exception) -> ValueError:
    reason = str(error).strip().split("\n")[0].rstrip(".")
    return ValueError(
        f"text.dataset={dataset!r} cannot be read from the Hugging Face hub"
        f" ({type(error).__name__}: {reason}): check its name and the network, or set text.source"
    )
