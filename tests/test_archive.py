"""An archive holds the site, the tables and the record, and can be checked."""

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
import yaml

from superposition import archive


@pytest.fixture
def root(tmp_path: Path) -> Path:
    cite = {"title": "T", "authors": [{"family-names": "B", "given-names": "A"}], "license": "MIT"}
    cite |= {"version": "1", "date-released": "2026-01-02", "references": [{"url": "https://x"}]}
    files = {
        "params.yaml": "scale: laptop\n",
        "CITATION.cff": yaml.safe_dump(cite),
        "_site/index.html": "<p>page</p>",
        "data/laptop/claims.json": "[]",
        "data/laptop/toy/a/features.parquet": "table",
        "data/laptop/toy/a/weights.safetensors": "weights",
        "data/laptop/text/documents.parquet": "somebody's text",
        "data/laptop/verify.json": "{}",
        "data/reference/laptop/SHA256SUMS": "sums",
    }
    for name, text in (dict.fromkeys((*archive.CODE, *archive.RECORD), "x") | files).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_an_archive_holds_site_tables_and_record_but_no_weights_and_no_text(root: Path) -> None:
    names = archive.build(root, "laptop", root / "out.zip")
    assert {"site/index.html", "data/laptop/claims.json", "dvc.lock", "LICENSE"} <= set(names)
    assert "data/laptop/toy/a/features.parquet" in names
    assert {"data/laptop/verify.json", "data/reference/laptop/SHA256SUMS"} <= set(names)
    assert not [name for name in names if "weights" in name or "documents" in name]


def test_every_file_is_in_the_manifest_with_its_checksum(root: Path) -> None:
    archive.build(root, "laptop", root / "out.zip")
    with zipfile.ZipFile(root / "out.zip") as made:
        lines = made.read(archive.MANIFEST).decode().splitlines()
        sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
        for name in set(made.namelist()) - {archive.MANIFEST, archive.ZENODO}:
            assert hashlib.sha256(made.read(name)).hexdigest() == sums[name]


def test_the_same_files_give_the_same_archive(root: Path) -> None:
    archive.build(root, "laptop", root / "a.zip")
    (root / "data/laptop/claims.json").touch()
    archive.build(root, "laptop", root / "b.zip")
    assert (root / "a.zip").read_bytes() == (root / "b.zip").read_bytes()


def test_zenodo_is_told_what_the_citation_says(root: Path) -> None:
    archive.build(root, "laptop", root / "out.zip")
    with zipfile.ZipFile(root / "out.zip") as made:
        told = json.loads(made.read(archive.ZENODO))
    assert (told["title"], told["creators"]) == ("T", [{"name": "B, A"}])


def test_an_archive_without_a_site_says_what_to_run(root: Path) -> None:
    (root / "_site/index.html").unlink()
    with pytest.raises(archive.ArchiveError, match="make reproduce"):
        archive.build(root, "laptop", root / "out.zip")
    assert not (root / "out.zip").exists()
