"""The text: a sample of a source's files and planted contexts, split into training and held out.

The default source is the Python code of the packages pinned in requirements.lock: real code and
real English (docstrings), already on every machine that runs this, and the same everywhere.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from superposition.core.compute import progress
from superposition.language.planted import KINDS, planted_documents
from superposition.language.selection import File, Selection, assign_held_out, select_files
from superposition.language.sources import (
    Origin,
    Source,
    folder_source,
    huggingface_source,
    package_source,
)

MAX_NAMES = 5
"""Files that the manifest names for each reason to leave files out."""
UNNAMED = {"not sampled", "duplicate", "near duplicate", "too short", "too long"}
"""Reasons that are no fault of the file: counted without names."""
KIND_OF_SOURCE = {"packages": "package", "folder": "folder", "huggingface": "huggingface"}


@dataclass(frozen=True, kw_only=True)
class TextConfig:
    """Which text, how much of it, and how it is split."""

    source: Literal["packages", "folder", "huggingface"]
    """The code of the pinned packages, a folder of text files, or a data set of the hub."""
    max_bytes: int
    """Cap on the text taken from the source, in bytes; planted text comes on top."""
    min_file_bytes: int
    """Shorter files are left out: they hold little but an import."""
    max_file_bytes: int
    """Longer files are left out: they are tables, and one would fill a split."""
    max_copied: float
    """A file is left out if more than this share of its lines stands in one other file."""
    held_out_fraction: float
    """Share of the documents, in expectation, that are held out."""
    planted_fraction: float
    """Share of planted bytes in all bytes."""
    seed: int
    """Of the sample, the split and the planted text."""
    folder: str | None = None
    """For source=folder: the folder."""
    dataset: str | None = None
    """For source=huggingface: `owner/name` on the hub, or a folder in the hub's layout."""
    dataset_config: str | None = None
    """The data set's configuration, where it has several."""
    dataset_revision: str | None = None
    """Commit, branch or tag of the data set; the newest commit if none is given."""
    dataset_split: str = "train"
    """The data set's split that is read; it is split anew."""
    dataset_column: str = "text"
    """The column that holds the text."""

    def __post_init__(self) -> None:
        for name, source in {"folder": "folder", "dataset": "huggingface"}.items():
            value = getattr(self, name)
            if self.source == source and not value:
                raise ValueError(f"source={source} needs {name}")
            if self.source != source and value:
                raise ValueError(f"{name}={value!r} contradicts source={self.source}")
        for name in ("max_copied", "held_out_fraction"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is not between 0 and 1")
        if not 0 <= self.planted_fraction < 1:
            raise ValueError(f"planted_fraction={self.planted_fraction} is not in [0, 1)")
        if not 0 <= self.min_file_bytes <= self.max_file_bytes <= self.max_bytes:
            raise ValueError(
                f"min_file_bytes={self.min_file_bytes}, max_file_bytes={self.max_file_bytes},"
                f" max_bytes={self.max_bytes} do not rise from 0"
            )


class CorpusCounts(NamedTuple):
    """How much text there is."""

    train_documents: int
    """Documents to train on, planted ones included."""
    held_out_documents: int
    """Documents held out, planted ones included."""
    train_bytes: int
    """Bytes to train on, planted ones included."""
    held_out_bytes: int
    """Bytes held out, planted ones included."""
    planted_bytes: int
    """Bytes of planted text on both sides."""
    packages: int
    """Packages, folders or data sets that text was taken from."""
    distinct_files: int
    """Files the source offered, of allowed length, without exact duplicates."""
    distinct_bytes: int
    """Their bytes, before the cap."""
    near_duplicates: int
    """Files of the sample left out because most of their lines stand in another one."""
    faulty_files: int
    """Files left out because they could not be read or were not what RECORD says."""


class Corpus(NamedTuple):
    """The text and where it came from."""

    documents: pd.DataFrame
    """One row a document: document, split, kind, package, path, text."""
    manifest: pd.DataFrame
    """One row an origin: package, version, licence, files, bytes, skipped, reason."""
    counts: CorpusCounts
    """How much there is of what."""


def collect(
    config: TextConfig, *, lock: str | None = None, site: list[str] | None = None
) -> Corpus:
    """The text that `config` asks for; `lock` is the content of requirements.lock.

    `site` are the folders in which the pinned packages are installed (default: this Python's).
    """
    source = _source(config, lock, site)
    files = (_check_length(file, config) for file in progress(source.files, "reading text"))
    selection = select_files(
        files, max_bytes=config.max_bytes, max_copied=config.max_copied, seed=config.seed
    )
    manifest = _manifest(source.origins, selection)
    if len(selection.kept) < 2:
        reasons = "; ".join(manifest["reason"][manifest["reason"] != ""][:MAX_NAMES])
        raise ValueError(
            f"source={config.source} gives {len(selection.kept)} documents; a split needs two"
            f" ({reasons or 'nothing was left out'})"
        )
    documents = _documents(config, selection.kept)
    return Corpus(documents, manifest, _counts(documents, selection))


def _source(config: TextConfig, lock: str | None, site: list[str] | None) -> Source:
    if config.source == "folder":
        return folder_source(Path(config.folder or ""))
    if config.source == "huggingface":
        return huggingface_source(
            config.dataset or "",
            config=config.dataset_config,
            split=config.dataset_split,
            column=config.dataset_column,
            revision=config.dataset_revision,
            max_bytes=config.max_bytes,
            seed=config.seed,
        )
    if lock is None:
        raise ValueError("source=packages needs the pins of requirements.lock")
    return package_source(lock, site=site)


def _check_length(file: File, config: TextConfig) -> File:
    if file.problem or config.min_file_bytes <= file.n_bytes <= config.max_file_bytes:
        return file
    return file.left_out("too short" if file.n_bytes < config.min_file_bytes else "too long")


def _documents(config: TextConfig, files: list[File]) -> pd.DataFrame:
    """The rows of documents.parquet: natural text by package and path, then planted text."""
    columns = ["kind", "package", "path", "text"]
    kind = KIND_OF_SOURCE[config.source]
    natural = [(kind, file.package, file.path, file.text) for file in sorted(files)]
    planted_share = config.planted_fraction / (1 - config.planted_fraction)
    n_planted = round(planted_share * sum(file.n_bytes for file in files))
    planted = [
        (document.kind, "", f"planted/{document.kind}/{index}", document.text)
        for index, document in enumerate(planted_documents(n_planted, seed=config.seed))
    ]
    documents = pd.DataFrame([*natural, *planted], columns=columns)
    documents.insert(0, "document", pd.RangeIndex(len(documents)).astype("int32"))
    documents.insert(1, "split", "train")
    for _, texts in documents.groupby("kind")["text"]:
        held_out = assign_held_out(
            texts.to_list(), fraction=config.held_out_fraction, seed=config.seed
        )
        documents.loc[texts.index[held_out], "split"] = "held_out"
    return documents


def _manifest(origins: list[Origin], selection: Selection) -> pd.DataFrame:
    kept = Counter(file.package for file in selection.kept)
    n_bytes = Counter[str]()
    for file in selection.kept:
        n_bytes[file.package] += file.n_bytes
    left_out: dict[str, list[File]] = {origin.package: [] for origin in origins}
    for file in selection.left_out:
        left_out[file.package].append(file)
    rows = [
        {
            "package": origin.package,
            "version": origin.version,
            "licence": origin.licence,
            "files": kept[origin.package],
            "bytes": n_bytes[origin.package],
            "skipped": len(left_out[origin.package]),
            "reason": origin.problem or _reasons(left_out[origin.package]),
        }
        for origin in origins
    ]
    return pd.DataFrame(rows)


def _reasons(files: list[File]) -> str:
    """Why `files` were left out: `3 too short; 2 not UTF-8 (a.bin, b.bin)`."""
    reasons = []
    for problem, count in Counter(file.problem for file in files).most_common():
        names = [file.path for file in files if file.problem == problem][:MAX_NAMES]
        more = ", ..." if count > len(names) else ""
        named = "" if problem in UNNAMED else f" ({', '.join(names)}{more})"
        reasons.append(f"{count} {problem}{named}")
    return "; ".join(reasons)


def _counts(documents: pd.DataFrame, selection: Selection) -> CorpusCounts:
    n_bytes = np.array([len(text.encode()) for text in documents["text"]])
    train = (documents["split"] == "train").to_numpy()
    planted = documents["kind"].isin(KINDS).to_numpy()
    distinct = [f for f in selection.left_out if f.problem in ("not sampled", "near duplicate")]
    distinct += selection.kept
    problems = Counter(file.problem for file in selection.left_out)
    return CorpusCounts(
        train_documents=int(train.sum()),
        held_out_documents=int((~train).sum()),
        train_bytes=int(n_bytes[train].sum()),
        held_out_bytes=int(n_bytes[~train].sum()),
        planted_bytes=int(n_bytes[planted].sum()),
        packages=len({file.package for file in selection.kept}),
        distinct_files=len(distinct),
        distinct_bytes=sum(file.n_bytes for file in distinct),
        near_duplicates=problems["near duplicate"],
        faulty_files=sum(count for problem, count in problems.items() if problem not in UNNAMED),
    )
