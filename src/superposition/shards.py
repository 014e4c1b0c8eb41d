"""Rows on disk in shards: what a cache looks like, and how it is read back as a stream.

    <folder>/index.json                  what the cache holds, with a digest of all rows
    <folder>/shard-00000.safetensors     its first `rows_per_shard` rows, and so on

`shard_writer.py` writes them in a globally shuffled order, so whoever wants rows in random order
reads them from the beginning to the end, and never holds more than two shards.
"""

import json
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float, Shaped
from safetensors import SafetensorError, safe_open
from torch import Tensor

from superposition.core.store import ArtefactError

CPU = torch.device("cpu")
INDEX_FILE = "index.json"
LABEL = "shard"
"""The key in a shard's header that says which one it is."""
FORMATS = {
    torch.bfloat16: "BF16",
    torch.float32: "F32",
    torch.int32: "I32",
    torch.int64: "I64",
}
"""The number formats of columns, by their names in safetensors."""
MOST_SHARDS = 512
"""All shards are open while rows arrive, and systems allow about a thousand open files."""

Rows = dict[str, Shaped[Tensor, "row ..."]]
"""One tensor per column, all of the same length."""


RESIDENT_SHARE = 0.5
"""Of a GPU's free memory that a column may take, which is then read from the disk only once."""

_Tensors = dict[str, Tensor]
"""The same where lengths differ from one to the next."""


class Column(NamedTuple):
    """One column of a cache: a vector or a number in each row."""

    dtype: torch.dtype
    """Number format on disk."""
    width: int | None = None
    """Length of the vector, or None for a number."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What a cache holds, as in its index.json."""

    n_rows: int
    """Rows in all shards."""
    rows_per_shard: int
    """Rows in each shard but the last."""
    seed: int
    """Of the permutation."""
    columns: dict[str, Column]
    """What each row consists of."""

    def __post_init__(self) -> None:
        if self.n_rows < 1 or self.rows_per_shard < 1:
            raise ValueError(f"n_rows={self.n_rows}, rows_per_shard={self.rows_per_shard}: below 1")
        for name, column in self.columns.items():
            if column.dtype not in FORMATS:
                raise ValueError(f"column {name} is {column.dtype}; allowed: {[*FORMATS]}")
        if self.n_shards > MOST_SHARDS:
            raise ValueError(
                f"rows_per_shard={self.rows_per_shard} cuts n_rows={self.n_rows} into "
                f"{self.n_shards} shards; at most {MOST_SHARDS} are allowed"
            )

    @property
    def n_shards(self) -> int:
        """How many shards there are."""
        return math.ceil(self.n_rows / self.rows_per_shard)

    def rows_of(self, shard: int) -> int:
        """How many rows that shard has."""
        return min(self.rows_per_shard, self.n_rows - shard * self.rows_per_shard)

    def shape_of(self, shard: int, name: str) -> list[int]:
        """The shape of a column in that shard."""
        width = self.columns[name].width
        return [self.rows_of(shard)] if width is None else [self.rows_of(shard), width]


@dataclass(frozen=True, kw_only=True)
class Index:
    """A cache as its index.json describes it: two caches are the same if their indices are."""

    layout: Layout
    """Sizes and columns."""
    digest: str
    """SHA-256 of the layout and of the rows in the order in which they were appended."""

    def label_of(self, shard: int) -> str:
        """What the shard's header says, so that no other shard or cache is taken for it."""
        return f"{shard} of {self.layout.n_shards}, {self.digest}"

    def to_json(self) -> str:
        """The text of index.json."""
        layout = self.layout
        columns = {
            name: {"dtype": str(column.dtype).removeprefix("torch."), "width": column.width}
            for name, column in layout.columns.items()
        }
        sizes = {name: getattr(layout, name) for name in ("n_rows", "rows_per_shard", "n_shards")}
        values = sizes | {"seed": layout.seed, "columns": columns, "digest": self.digest}
        return json.dumps(values, sort_keys=True, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Index":
        """The index that `to_json` wrote."""
        values = json.loads(text)
        columns = {
            name: Column(getattr(torch, column["dtype"]), column["width"])
            for name, column in values["columns"].items()
        }
        sizes = {name: values[name] for name in ("n_rows", "rows_per_shard", "seed")}
        return cls(layout=Layout(columns=columns, **sizes), digest=values["digest"])


def shard_path(folder: Path, shard: int) -> Path:
    """Where that shard of the cache lies."""
    return folder / f"shard-{shard:05d}.safetensors"


class ShardReader:
    """The rows of a cache as a stream on a device, one shard read ahead of the one in use.

    A column that fits the memory of a GPU well stays there for the epochs to come.
    """

    def __init__(self, folder: Path, device: torch.device = CPU) -> None:
        """Open the cache in `folder`, and refuse it if any shard is missing, cut off or foreign."""
        self.folder, self.device = folder, device
        self._resident: dict[tuple[int, str], Tensor] = {}
        on_gpu = device.type == "cuda"
        self._room = RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0] if on_gpu else 0.0
        self.index = _read_index(folder)
        self.layout = self.index.layout
        expected = {shard_path(folder, shard) for shard in range(self.layout.n_shards)}
        for path in sorted(set(folder.glob("shard-*")) - expected):
            raise ArtefactError(f"{path} is no shard of the cache that {INDEX_FILE} describes")
        for shard in range(self.layout.n_shards):
            self._check(shard)

    def __len__(self) -> int:
        return self.layout.n_rows

    @property
    def d_in(self) -> int:
        """Width of the column `acts`."""
        width = self.layout.columns["acts"].width
        assert width is not None, "activations are vectors"
        return width

    def batches(
        self, batch_size: int, *, start: int = 0, n_rows: int | None = None, column: str = "acts"
    ) -> Iterator[Shaped[Tensor, "batch ..."]]:
        """One column in the order of the cache, as `rows` gives it."""
        for rows in self.rows(batch_size, columns=(column,), start=start, n_rows=n_rows):
            yield rows[column]

    def rows(
        self,
        batch_size: int,
        *,
        columns: tuple[str, ...] | None = None,
        start: int = 0,
        n_rows: int | None = None,
    ) -> Iterator[Rows]:
        """`n_rows` rows from the row `start` on (default: to the end), a batch at a time.

        Rows are counted through all epochs, which have the same order: in a cache of 100 rows,
        the rows 150 to 199 are the rows 50 to 99 again. Only the last batch may be smaller.
        """
        stop = start + (len(self) - start % len(self) if n_rows is None else n_rows)
        kept: list[_Tensors] = []
        n_kept = 0
        for piece in self._pieces(columns or tuple(self.layout.columns), start, stop):
            at = 0
            while at < _length(piece):
                kept.append(_cut(piece, at, at + batch_size - n_kept))
                at, n_kept = at + _length(kept[-1]), n_kept + _length(kept[-1])
                if n_kept == batch_size:
                    yield _joined(kept)
                    kept, n_kept = [], 0
        if kept:
            yield _joined(kept)

    def source(
        self, batch_size: int, *, n_epochs: int = 1, n_batches: int | None = None
    ) -> Callable[[int], Iterator[Float[Tensor, "batch d_in"]]]:
        """A function: the number of a batch in, and from that one on all batches out.

        They are activations as stored, `n_epochs` times in the order of the cache. A batch may end
        one epoch and begin the next, so that only rows at the very end, which do not fill a batch,
        are left out; and no row is twice in a batch. `n_batches` is how many will be asked for:
        what the cache does not have is refused now and not when the training comes to its end.
        """
        if batch_size > len(self):
            raise ValueError(f"batch_size={batch_size} exceeds n_rows={len(self)} of {self.folder}")
        wanted = (n_batches or 0) * batch_size
        if wanted > n_epochs * len(self):
            raise ValueError(
                f"{n_batches} batches of {batch_size} are {wanted} rows, but {self.folder} has "
                f"{len(self)}; n_epochs={n_epochs}, needed: {math.ceil(wanted / len(self))}"
            )

        def batches_from(first: int) -> Iterator[Tensor]:
            start = first * batch_size
            n_rows = max(0, n_epochs * len(self) - start) // batch_size * batch_size
            return self.batches(batch_size, start=start, n_rows=n_rows)

        return batches_from

    def sample(self, n_rows: int, *, seed: int, column: str = "acts") -> Shaped[Tensor, "row ..."]:
        """One column of `n_rows` random rows, without replacement.

        They are neighbours from a random row on: in a shuffled cache that is a random sample.
        """
        if n_rows > len(self):
            raise ValueError(
                f"a sample of {n_rows} rows exceeds n_rows={len(self)} of {self.folder}"
            )
        generator = torch.Generator().manual_seed(seed)
        start = int(torch.randint(len(self), (), generator=generator))
        return next(self.batches(n_rows, start=start, n_rows=n_rows, column=column))

    def _pieces(self, columns: tuple[str, ...], start: int, stop: int) -> Iterator[Rows]:
        """The rows from `start` to `stop`, cut where shards end. The next one is being read."""
        ahead = None
        reader = ThreadPoolExecutor(max_workers=1)
        try:
            while start < stop:
                shard, first = divmod(start % len(self), self.layout.rows_per_shard)
                last = min(self.layout.rows_of(shard), first + stop - start)
                start += last - first
                behind, ahead = ahead, reader.submit(self._read, columns, shard, first, last)
                if behind is not None:
                    yield behind.result()
                del behind
            if ahead is not None:
                yield ahead.result()
        finally:
            # No waiting: an abandoned stream may be collected by the reading thread itself.
            reader.shutdown(wait=False, cancel_futures=True)

    def _read(self, columns: tuple[str, ...], shard: int, first: int, last: int) -> Rows:
        if all(self._stays(name) for name in columns):
            return {name: self._on_device(shard, name)[first:last] for name in columns}
        with safe_open(shard_path(self.folder, shard), framework="pt") as file:
            # Without the copy it is a map of the file, read only when someone looks at it.
            return {
                name: file.get_slice(name)[first:last].to(self.device, copy=True)
                for name in columns
            }

    def _on_device(self, shard: int, name: str) -> Tensor:
        """A column of a shard on the device, read the first time that someone wants it."""
        if (shard, name) not in self._resident:
            with safe_open(shard_path(self.folder, shard), framework="pt") as file:
                self._resident[shard, name] = file.get_slice(name)[:].to(self.device)
        return self._resident[shard, name]

    def _stays(self, name: str) -> bool:
        """Whether the whole column is to stay on the device."""
        column = self.layout.columns[name]
        return len(self) * column.dtype.itemsize * (column.width or 1) <= self._room

    def _check(self, shard: int) -> None:
        path = shard_path(self.folder, shard)
        if not path.exists():
            raise ArtefactError(f"no {path}: the cache has {self.layout.n_shards} shards")
        try:
            with safe_open(path, framework="pt") as file:
                label = (file.metadata() or {}).get(LABEL)
                names = file.keys()
                slices = {name: file.get_slice(name) for name in names}
                found = {name: (s.get_dtype(), s.get_shape()) for name, s in slices.items()}
        except (SafetensorError, OSError) as error:
            raise ArtefactError(f"{path} is truncated or no safetensors file: {error}") from None
        expected = {
            name: (FORMATS[column.dtype], self.layout.shape_of(shard, name))
            for name, column in self.layout.columns.items()
        }
        if label != self.index.label_of(shard) or found != expected:
            described = f"{self.index.label_of(shard)!r} with {expected}"
            raise ArtefactError(f"{path} is foreign: {label!r} with {found}, not {described}")


def _read_index(folder: Path) -> Index:
    path = folder / INDEX_FILE
    if not path.exists():
        raise ArtefactError(f"no {path}: the cache is missing or incomplete")
    try:
        return Index.from_json(path.read_text(encoding="utf-8"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtefactError(f"{path} describes no cache: {error!r}") from None


def _length(rows: _Tensors) -> int:
    return len(next(iter(rows.values())))


def _cut(rows: _Tensors, first: int, last: int) -> _Tensors:
    return {name: tensor[first:last] for name, tensor in rows.items()}


def _joined(parts: list[_Tensors]) -> _Tensors:
    if len(parts) == 1:
        return parts[0]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
