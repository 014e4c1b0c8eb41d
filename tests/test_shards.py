import math
import shutil
import weakref
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from superposition.core.store import ArtefactError
from superposition.shard_writer import ShardWriter
from superposition.shards import Column, Layout, ShardReader, shard_path

COLUMNS = {"acts": Column(torch.bfloat16, 3), "document": Column(torch.int32)}


def cache(folder: Path, *, n_rows: int = 100, rows_per_shard: int = 16, seed: int = 0) -> Path:
    """Rows 0 to n_rows - 1, appended seven at a time; ten of them make a document."""
    layout = Layout(n_rows=n_rows, rows_per_shard=rows_per_shard, seed=seed, columns=COLUMNS)
    number = torch.arange(n_rows)
    with ShardWriter(folder, layout) as writer:
        for part in number.split(7):
            acts = torch.stack([part % 128, part // 128, -part % 128], dim=1)
            writer.append({"document": part // 10, "acts": acts})
    return folder


def numbers(acts: torch.Tensor) -> list[int]:
    """The numbers of the rows that these activations belong to."""
    return (acts[:, 0] + 128 * acts[:, 1]).int().tolist()


def test_reading_gives_every_row_once_with_its_columns_together(tmp_path):
    reader = ShardReader(cache(tmp_path / "shards"))
    seen = []
    for rows in reader.rows(9):
        seen += numbers(rows["acts"].float())
        assert [i // 10 for i in numbers(rows["acts"].float())] == rows["document"].tolist()
        assert rows["acts"].dtype == torch.bfloat16
    assert sorted(seen) == list(range(100))
    assert (len(reader), reader.d_in) == (100, 3)


def test_neighbours_come_from_one_document_no_more_often_than_chance(tmp_path):
    n_rows, of_document = 8000, 10
    reader = ShardReader(cache(tmp_path / "shards", n_rows=n_rows, rows_per_shard=1024))
    document = next(reader.batches(n_rows, column="document"))
    chance = (of_document - 1) / (n_rows - 1)
    for distance in (1, 2, 7):
        n_pairs = n_rows - distance
        n_same = int((document[distance:] == document[:-distance]).sum())
        bound = 5 * math.sqrt(n_pairs * chance * (1 - chance))
        assert abs(n_same - n_pairs * chance) < bound


def test_rows_appended_together_are_spread_over_all_shards(tmp_path):
    reader = ShardReader(cache(tmp_path / "shards", n_rows=8000, rows_per_shard=1000))
    first_appended = [
        sum(number < 800 for number in numbers(part.float())) for part in reader.batches(1000)
    ]
    assert all(50 < count < 150 for count in first_appended)


def test_the_same_seed_writes_the_same_bytes_and_another_seed_other_ones(tmp_path):
    files = [shard_path(cache(tmp_path / str(i), seed=seed), 2) for i, seed in enumerate([0, 0, 1])]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].read_bytes() != files[2].read_bytes()


@pytest.mark.parametrize("batch_size", [1, 5, 16, 40, 100])
def test_batches_do_not_depend_on_where_shards_end(tmp_path, batch_size):
    reader = ShardReader(cache(tmp_path / "shards"))
    whole = next(reader.batches(100))
    batches = list(reader.batches(batch_size))
    assert torch.equal(torch.cat(batches), whole)
    assert {len(batch) for batch in batches[:-1]} <= {batch_size}


@pytest.mark.parametrize("start", [0, 16, 37, 99, 100, 163])
def test_a_stream_can_start_anywhere_and_run_through_epochs(tmp_path, start):
    reader = ShardReader(cache(tmp_path / "shards"))
    whole = next(reader.batches(100))
    epochs = torch.cat([whole] * 4)
    stream = torch.cat(list(reader.batches(13, start=start, n_rows=180)))
    assert torch.equal(stream, epochs[start : start + 180])
    rest = torch.cat(list(reader.batches(13, start=start)))
    assert torch.equal(rest, whole[start % 100 :])


def test_a_source_gives_whole_batches_of_one_epoch_from_any_batch_on(tmp_path):
    reader = ShardReader(cache(tmp_path / "shards"))
    source, whole = reader.source(13), next(reader.batches(100))
    assert torch.equal(torch.cat(list(source(0))), whole[:91])
    assert torch.equal(torch.cat(list(source(4))), whole[52:91])
    assert next(source(2)).dtype == torch.bfloat16
    assert [list(source(first)) for first in (7, 8, 50)] == [[], [], []]


@pytest.mark.parametrize("batch_size", [13, 20, 100])
def test_a_source_reads_the_cache_again_and_batches_run_over_its_end(tmp_path, batch_size):
    reader = ShardReader(cache(tmp_path / "shards"))
    epochs = torch.cat([next(reader.batches(100))] * 3)
    source = reader.source(batch_size, n_epochs=3, n_batches=300 // batch_size)
    for first in range(300 // batch_size + 2):
        batches = [*source(first)]
        start, stop = first * batch_size, 300 // batch_size * batch_size
        assert len(batches) == max(0, stop - start) // batch_size
        assert all(len({*numbers(batch.float())}) == batch_size for batch in batches)
        if batches:
            assert torch.equal(torch.cat(batches), epochs[start:stop])


def test_more_batches_than_the_epochs_have_are_refused_before_the_first(tmp_path):
    reader = ShardReader(cache(tmp_path / "shards"))
    assert len([*reader.source(30, n_epochs=3, n_batches=10)(0)]) == 10
    with pytest.raises(ValueError, match=r"11 batches of 30 are 330 .*n_epochs=3, needed: 4"):
        reader.source(30, n_epochs=3, n_batches=11)
    with pytest.raises(ValueError, match="batch_size=101 exceeds n_rows=100"):
        reader.source(101)


def test_the_index_tells_caches_with_other_rows_apart(tmp_path):
    layout = Layout(n_rows=4, rows_per_shard=2, seed=0, columns=COLUMNS)
    for name, value in [("a", 0.0), ("b", 1.0), ("c", 1.0)]:
        with ShardWriter(tmp_path / name, layout) as writer:
            writer.append({"acts": torch.full((4, 3), value), "document": torch.zeros(4)})
    a, b, c = (ShardReader(tmp_path / name).index for name in "abc")
    assert (a == b, b == c) == (False, True)
    shutil.copy(shard_path(tmp_path / "a", 1), shard_path(tmp_path / "b", 1))
    with pytest.raises(ArtefactError, match=r"b/shard-00001\.safetensors is foreign"):
        ShardReader(tmp_path / "b")


def test_a_sample_is_seeded_and_has_no_row_twice(tmp_path):
    reader = ShardReader(cache(tmp_path / "shards"))
    sample = reader.sample(80, seed=1)
    assert len(set(numbers(sample.float()))) == 80
    assert torch.equal(sample, reader.sample(80, seed=1))
    assert not torch.equal(sample, reader.sample(80, seed=2))
    with pytest.raises(ValueError, match="101 rows exceeds n_rows=100"):
        reader.sample(101, seed=0)


def test_at_most_three_shards_are_in_memory(tmp_path, monkeypatch):
    reader = ShardReader(cache(tmp_path / "shards"))
    read, parts, most = reader._read, [], []

    def counted(*args):
        rows = read(*args)
        parts.append(weakref.ref(rows["acts"]))
        most.append(sum(part() is not None for part in parts))
        return rows

    monkeypatch.setattr(reader, "_read", counted)
    for _ in reader.batches(5, n_rows=400):
        pass
    assert len(most) > 20
    assert max(most) <= 3


def test_an_unfinished_cache_leaves_nothing_behind(tmp_path):
    layout = Layout(n_rows=10, rows_per_shard=4, seed=0, columns=COLUMNS)
    rows = {"acts": torch.zeros(6, 3), "document": torch.zeros(6)}
    with (
        pytest.raises(ValueError, match="4 of n_rows=10 rows are missing"),
        ShardWriter(tmp_path / "shards", layout) as writer,
    ):
        writer.append(rows)
    twelve = {name: torch.cat([column, column]) for name, column in rows.items()}
    with (
        pytest.raises(ValueError, match="12 rows exceed the 10 that are missing"),
        ShardWriter(tmp_path / "shards", layout) as writer,
    ):
        writer.append(twelve)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path):
    leftover = tmp_path / ".shards.999999999.partial"
    leftover.mkdir()
    cache(tmp_path / "shards")
    assert [path.name for path in tmp_path.iterdir()] == ["shards"]


def test_an_existing_cache_is_replaced_as_a_whole(tmp_path):
    cache(tmp_path / "shards", n_rows=100)
    assert len(ShardReader(cache(tmp_path / "shards", n_rows=20))) == 20


@pytest.mark.parametrize("column", ["acts", "document"])
def test_rows_of_another_shape_are_refused(tmp_path, column):
    layout = Layout(n_rows=10, rows_per_shard=4, seed=0, columns=COLUMNS)
    rows = {"acts": torch.zeros(2, 3), "document": torch.zeros(2)}
    with (
        pytest.raises(ValueError, match=f"column {column} is"),
        ShardWriter(tmp_path / "shards", layout) as writer,
    ):
        writer.append(rows | {column: torch.zeros(2, 5)})
    with (
        pytest.raises(ValueError, match="the cache has"),
        ShardWriter(tmp_path / "shards", layout) as writer,
    ):
        writer.append({column: rows[column]})


def _missing(folder: Path) -> None:
    shard_path(folder, 3).unlink()


def _truncated(folder: Path) -> None:
    path = shard_path(folder, 3)
    path.write_bytes(path.read_bytes()[:-10])


def _empty(folder: Path) -> None:
    shard_path(folder, 3).write_bytes(b"")


def _text(folder: Path) -> None:
    shard_path(folder, 3).write_text("version https://git-lfs.github.com/spec/v1\n")


def _swapped(folder: Path) -> None:
    shutil.copy(shard_path(folder, 2), shard_path(folder, 3))


def _of_another_cache(folder: Path) -> None:
    cache(folder.with_name("other"), seed=1)
    shutil.copy(shard_path(folder.with_name("other"), 3), shard_path(folder, 3))


def _another_column(folder: Path) -> None:
    path = shard_path(folder, 3)
    save_file({"acts": load_file(path)["acts"]}, path)


@pytest.mark.parametrize(
    "damage",
    [_missing, _truncated, _empty, _text, _swapped, _of_another_cache, _another_column],
)
def test_a_damaged_cache_is_refused_with_the_path_of_the_shard(tmp_path, damage):
    folder = cache(tmp_path / "shards")
    damage(folder)
    with pytest.raises(ArtefactError, match=r"shard-00003\.safetensors"):
        ShardReader(folder)


def test_a_shard_too_many_is_refused(tmp_path):
    folder = cache(tmp_path / "shards")
    shutil.copy(shard_path(folder, 2), shard_path(folder, 7))
    with pytest.raises(ArtefactError, match=r"shard-00007\.safetensors is no shard"):
        ShardReader(folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"columns": 3}'])
def test_a_damaged_index_is_refused_with_its_path(tmp_path, text):
    folder = cache(tmp_path / "shards")
    (folder / "index.json").write_text(text)
    with pytest.raises(ArtefactError, match=r"index\.json describes no cache"):
        ShardReader(folder)
    (folder / "index.json").unlink()
    with pytest.raises(ArtefactError, match=r"no .*index\.json"):
        ShardReader(folder)


def test_too_many_shards_are_refused():
    with pytest.raises(ValueError, match="rows_per_shard=1 cuts n_rows=1000 into 1000 shards"):
        Layout(n_rows=1000, rows_per_shard=1, seed=0, columns=COLUMNS)
