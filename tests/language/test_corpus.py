from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.language.site_packages import install

from superposition.core.params import ParameterError, Params
from superposition.core.store import schema
from superposition.language.corpus import Corpus, TextConfig, collect
from superposition.language.planted import KINDS

DEFAULTS: dict[str, Any] = {
    "source": "packages",
    "max_bytes": 100_000,
    "min_file_bytes": 20,
    "max_file_bytes": 2_000,
    "max_copied": 0.7,
    "held_out_fraction": 0.2,
    "planted_fraction": 0.2,
    "seed": 0,
}


def configure(**changes: Any) -> TextConfig:
    return TextConfig(**{**DEFAULTS, **changes})


LOCK = "alpha==1.0\nbeta==2.0\ngamma==1.0\n"


def module(package: str, number: int) -> str:
    lines = [f"{package}_{number}_{line} = 'line {line} of {package}'" for line in range(20)]
    return "\n".join(lines) + "\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    alpha = {f"alpha/{number}.py": module("alpha", number) for number in range(40)}
    beta = {f"beta/{number}.py": module("beta", number) for number in range(20)}
    beta |= {"beta/short.py": "x = 1\n", "beta/long.py": "x = 1\n" * 1000}
    beta |= {"beta/copy.py": alpha["alpha/0.py"]}
    beta |= {"beta/near.py": alpha["alpha/1.py"] + "changed = True\n"}
    install(tmp_path, "alpha", "1.0", alpha, License="MIT")
    install(tmp_path, "beta", "2.0", beta)
    (tmp_path / "alpha" / "7.py").write_text("edited")
    return tmp_path


def collect_from(site: Path, lock: str = LOCK, **changes: Any) -> Corpus:
    return collect(configure(**changes), lock=lock, site=[str(site)])


def test_the_tables_have_the_columns_of_the_schema(site: Path) -> None:
    corpus = collect_from(site)
    assert list(corpus.documents.columns) == list(schema()["text/documents.parquet"])
    assert list(corpus.manifest.columns) == list(schema()["text/manifest.parquet"])
    assert corpus.documents["document"].dtype == "int32"
    assert corpus.documents["document"].to_list() == list(range(len(corpus.documents)))
    assert set(corpus.documents["split"]) == {"train", "held_out"}
    assert set(corpus.documents["kind"]) == {"package", *KINDS}


def test_the_manifest_accounts_for_every_file(site: Path) -> None:
    manifest = collect_from(site).manifest.set_index("package")
    assert manifest.loc["alpha"].to_list() == [
        "1.0",
        "MIT",
        39,
        sum(len(module("alpha", number)) for number in range(40) if number != 7),
        1,
        "1 not as in RECORD (alpha/7.py)",
    ]
    assert manifest.loc["beta", ["files", "skipped"]].to_list() == [20, 4]
    reasons = set(manifest.loc["beta", "reason"].split("; "))
    assert reasons == {"1 too short", "1 too long", "1 duplicate", "1 near duplicate"}
    assert manifest.loc["gamma", ["files", "reason"]].to_list() == [0, "not installed here"]


def test_the_counts_are_those_of_the_tables(site: Path) -> None:
    documents, manifest, counts = collect_from(site)
    lengths = documents["text"].str.len()
    natural = documents["kind"] == "package"
    assert counts.train_documents + counts.held_out_documents == len(documents)
    assert counts.train_bytes + counts.held_out_bytes == lengths.sum()
    assert counts.planted_bytes == lengths[~natural].sum()
    assert lengths[natural].sum() == manifest["bytes"].sum()
    assert counts.distinct_files == manifest["files"].sum() + counts.near_duplicates
    assert (counts.packages, counts.near_duplicates, counts.faulty_files) == (2, 1, 1)


def test_the_same_files_give_the_same_text_and_another_seed_another_split(site: Path) -> None:
    first, again, other = (collect_from(site, seed=seed).documents for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first, again)
    held_out = [set(frame["path"][frame["split"] == "held_out"]) for frame in (first, other)]
    assert held_out[0] != held_out[1]


def test_another_package_moves_no_file_across_the_split(site: Path) -> None:
    both, alone = (collect_from(site, lock).documents for lock in (LOCK, "alpha==1.0"))
    sides = [
        dict(zip(frame["path"], frame["split"], strict=True))
        for frame in (both.query("package == 'alpha'"), alone.query("package == 'alpha'"))
    ]
    assert len(sides[0]) == 39
    assert sides[0] == sides[1]


def test_no_text_is_on_both_sides_of_the_split(site: Path) -> None:
    documents = collect_from(site).documents
    assert documents["text"].is_unique
    assert documents["path"].is_unique


def test_the_cap_holds_and_takes_from_every_package(site: Path) -> None:
    manifest = collect_from(site, max_bytes=10_000).manifest.set_index("package")
    assert 9_000 < sum(manifest["bytes"]) <= 10_000
    assert manifest.loc[["alpha", "beta"], "files"].min() >= 2
    assert "not sampled" in manifest.loc["alpha", "reason"]


@pytest.mark.parametrize("fraction", [0.05, 0.2, 0.5])
def test_the_planted_share_is_that_asked_for(site: Path, fraction: float) -> None:
    documents = collect_from(site, planted_fraction=fraction).documents
    lengths = documents["text"].str.len().to_numpy()
    planted = documents["kind"].isin(KINDS).to_numpy()
    asked = fraction / (1 - fraction) * sum(lengths[~planted])
    assert 0 <= sum(lengths[planted]) - asked <= 3 * 6_000
    sides = documents[planted].groupby("kind")["split"].unique()
    assert all(set(side) == {"train", "held_out"} for side in sides)


def test_nothing_is_planted_if_not_asked_for(site: Path) -> None:
    assert set(collect_from(site, planted_fraction=0.0).documents["kind"]) == {"package"}


def test_a_folder_is_a_source(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number}.txt").write_text(module("text", number))
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\0")
    config = configure(source="folder", folder=str(tmp_path))
    documents, manifest, counts = collect(config)
    assert documents["kind"].to_list().count("folder") == 20
    assert manifest["reason"].to_list() == ["1 holds NUL bytes (picture.png)"]
    assert counts.faulty_files == 1


@pytest.mark.parametrize("content", [b"\xff\xfe", b"tiny"])
def test_a_folder_without_enough_text_is_refused_with_the_reason(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "only.txt").write_bytes(content)
    config = configure(source="folder", folder=str(tmp_path))
    with pytest.raises(ValueError, match=r"gives 0 documents; .*(1 not UTF-8 \(only|1 too short)"):
        collect(config)


def test_many_faulty_files_are_counted_and_the_first_named(tmp_path: Path) -> None:
    for number in range(8):
        (tmp_path / f"{number}.bin").write_bytes(b"\xff")
        (tmp_path / f"{number}.txt").write_text(module("text", number))
    config = configure(source="folder", folder=str(tmp_path))
    reason = collect(config).manifest.loc[0, "reason"]
    assert reason == "8 not UTF-8 (0.bin, 1.bin, 2.bin, 3.bin, 4.bin, ...)"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": "folder"}, "source=folder needs folder"),
        ({"source": "huggingface"}, "source=huggingface needs dataset"),
        ({"folder": "texts"}, "folder='texts' contradicts source=packages"),
        ({"dataset": "a/b"}, "dataset='a/b' contradicts source=packages"),
        ({"held_out_fraction": 0.0}, "held_out_fraction=0.0 is not between 0 and 1"),
        ({"held_out_fraction": 1.0}, "held_out_fraction=1.0 is not between 0 and 1"),
        ({"planted_fraction": 1.0}, r"planted_fraction=1.0 is not in \[0, 1\)"),
        ({"max_copied": 1.5}, "max_copied=1.5 is not between 0 and 1"),
        ({"max_bytes": 10}, "max_bytes=10 do not rise"),
    ],
)
def test_contradictory_parameters_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        configure(**changes)


def test_the_loader_names_the_key_of_a_contradiction() -> None:
    params = Params(tree={"text": DEFAULTS | {"source": "folder"}}, origin="params.yaml")
    with pytest.raises(ParameterError, match=r"source=folder needs folder \(params.yaml: text\)"):
        params.load(TextConfig, "text")


def test_the_packages_need_a_lock() -> None:
    with pytest.raises(ValueError, match=r"needs the pins of requirements\.lock"):
        collect(configure())
