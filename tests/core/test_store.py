"""Artefacts are whole, checked and the same bytes for the same content."""

import time
from pathlib import Path

import pandas as pd
import pytest
import torch

from superposition.core.compute import Clock, Paused
from superposition.core.store import ArtefactError, CheckpointFile, Store, schema, whole


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(scale="smoke", root=tmp_path)


def history() -> pd.DataFrame:
    return pd.DataFrame({"instance": [0, 1], "step": [10, 10], "loss": [0.5, 0.25]})


def test_what_is_saved_is_what_is_loaded(store: Store) -> None:
    W = torch.randn(3, 2, generator=torch.Generator().manual_seed(0))
    store.save_tensors({"W": W}, "toy", "row", "weights.safetensors")
    store.save_table(history(), "toy", "row", "history.parquet")
    store.save_json({"b": 1, "a": [0.1]}, "toy", "row", "metrics.json")
    assert torch.equal(store.load_tensors("toy", "row", "weights.safetensors")["W"], W)
    pd.testing.assert_frame_equal(store.load_table("toy", "row", "history.parquet"), history())
    assert store.load_json("toy", "row", "metrics.json") == {"a": [0.1], "b": 1}


def test_the_same_content_gives_the_same_bytes(store: Store) -> None:
    for row in ("one", "two"):
        store.save_table(history(), "toy", row, "history.parquet")
        store.save_tensors({"W": torch.ones(2), "b": torch.zeros(1)}, "toy", row, "w.safetensors")
    for name in ("history.parquet", "w.safetensors"):
        one, two = (store.path("toy", row, name).read_bytes() for row in ("one", "two"))
        assert one == two


def test_a_table_with_other_columns_is_refused_both_ways(store: Store) -> None:
    wrong = history().rename(columns={"loss": "cost"})
    with pytest.raises(ArtefactError, match=r"history\.parquet has columns .*cost"):
        store.save_table(wrong, "toy", "row", "history.parquet")
    path = store.path("toy", "row", "history.parquet")
    path.parent.mkdir(parents=True)
    wrong.to_parquet(path)
    with pytest.raises(ArtefactError, match=r"history\.parquet has columns"):
        store.load_table("toy", "row", "history.parquet")


@pytest.mark.parametrize("name", ["history.parquet", "weights.safetensors", "metrics.json"])
def test_a_truncated_or_foreign_artefact_is_refused_with_its_path(store: Store, name: str) -> None:
    load = {"p": store.load_table, "s": store.load_tensors, "j": store.load_json}
    path = store.path("toy", "row", name)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\x10\x00 this is something else")
    loader = load[path.suffix[1]]
    with pytest.raises(ArtefactError, match=name):
        loader("toy", "row", name)


def test_a_missing_artefact_names_the_stage_that_makes_it(store: Store) -> None:
    with pytest.raises(ArtefactError, match="run the stage that makes it, `dvc repro toy@row`"):
        store.load_json("toy", "row", "metrics.json")


def test_a_write_that_fails_leaves_the_old_artefact_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), whole(target) as path:  # noqa: PT012
        path.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_replaces_a_folder_whole(tmp_path: Path) -> None:
    for name in ("first", "second"):
        with whole(tmp_path / "site") as path:
            path.mkdir()
            (path / name).write_text(name)
    assert [file.name for file in (tmp_path / "site").iterdir()] == ["second"]
    assert [file.name for file in tmp_path.iterdir()] == ["site"]


def test_a_checkpoint_of_other_parameters_is_not_continued(store: Store) -> None:
    store.checkpoint("sae", "l1", of="lr=1").save({"step": 3})
    assert store.checkpoint("sae", "l1", of="lr=1").load() == {"step": 3}
    assert store.checkpoint("sae", "l1", of="lr=2").load() is None
    store.checkpoint("sae", "l1", of="lr=1").remove()
    assert store.checkpoint("sae", "l1", of="lr=1").load() is None


def test_a_finished_run_leaves_nothing_of_its_checkpoints(store: Store) -> None:
    checkpoint = store.checkpoint("sae", "l1", of="")
    checkpoint.save({"step": 3})
    for name in (".l1.pt.77.partial", ".other.pt.77.partial"):
        (checkpoint.path.parent / name).write_text("half")
    checkpoint.remove()
    assert [path.name for path in checkpoint.path.parent.iterdir()] == [".other.pt.77.partial"]


def test_a_checkpoint_is_read_into_memory_whatever_device_it_is_from(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A GPU's is asked for where there may be none, or by processes with a GPU each."""
    store.checkpoint("sae", "l1", of="").save({"W": torch.ones(2)})
    asked, load = [], torch.load
    monkeypatch.setattr(torch, "load", lambda path, **how: asked.append(how) or load(path, **how))
    state = store.checkpoint("sae", "l1", of="").load()
    assert state is not None
    assert state["W"].device.type == "cpu"
    assert asked == [{"weights_only": True, "map_location": "cpu"}]


def test_a_checkpoint_is_due_each_minute_and_when_the_time_is_over(tmp_path: Path) -> None:
    now, path = time.monotonic(), tmp_path / "state.pt"
    assert not CheckpointFile(path, fingerprint="").is_due()
    assert CheckpointFile(path, fingerprint="", saved_at=now - 61).is_due()
    assert CheckpointFile(path, fingerprint="", clock=Clock(limit=0.0)).is_due()
    assert not CheckpointFile(path, fingerprint="", clock=Clock(limit=100.0)).is_due()


def test_the_checkpoint_of_a_run_whose_time_is_over_keeps_the_state_and_ends_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "state.pt"
    first = CheckpointFile(
        path, fingerprint="", clock=Clock(limit=5.0, started=time.monotonic() - 9)
    )
    with pytest.raises(Paused):
        first.save({"step": 3})
    then = CheckpointFile(path, fingerprint="")
    assert then.load() == {"step": 3}
    assert 9 <= then.clock.seconds < 60
    then.save({"step": 4})


def test_every_column_of_the_schema_says_what_it_holds() -> None:
    for table, columns in schema().items():
        assert columns, table
        for column, meaning in columns.items():
            kinds = ("integer", "number", "string", "boolean", "list")
            assert str(meaning).startswith(kinds), f"{table}: {column}"
