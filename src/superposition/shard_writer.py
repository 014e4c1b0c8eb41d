"""Writing a cache of rows in a globally shuffled order, with bounded memory.

Every row has its place in one permutation of all rows, so any two of them may become neighbours.
Rows first go to the file of the shard they belong to, in a temporary folder, in the order in which
they come; at the end each shard is put in order by itself.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np
import psutil
import torch
from safetensors.torch import save_file
from torch import Tensor

from superposition.core.store import whole
from superposition.shards import INDEX_FILE, LABEL, Index, Layout, Rows, shard_path

THREADS = 2
"""One hashes rows while the other sorts them by shard; at the end each puts shards in order."""
SLOT_BYTES = 8
"""In front of each waiting row: its place within the shard, an int64."""


class ShardWriter:
    """A context that takes exactly `layout.n_rows` rows, which lie under `folder` at its end.

    If something goes wrong before, nothing lies there. Memory: 8 bytes per row of the cache, and
    about six shards. Disk: the cache, and one shard more.
    """

    def __init__(self, folder: Path, layout: Layout) -> None:
        self.folder, self.layout = folder, layout
        self._context = self._writing()

    def __enter__(self) -> "ShardWriter":
        return self._context.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        return self._context.__exit__(kind, error, trace)

    @property
    def rows_left(self) -> int:
        """Rows still to come."""
        return self.layout.n_rows - self._n_appended

    def append(self, rows: Rows) -> None:
        """Add rows: a tensor for each column, all of the same length."""
        records = self._records(rows)
        if len(records) > self.rows_left:
            raise ValueError(f"{len(records)} rows exceed the {self.rows_left} that are missing")
        place = self._place[self._n_appended : self._n_appended + len(records)]
        self._n_appended += len(records)
        self._wait()
        self._at_work = [
            self._threads.submit(self._digest.update, records.numpy().data),
            self._threads.submit(self._write, records, place),
        ]

    def _write(self, records: Tensor, place: Tensor) -> None:
        """Add each record to the file of the shard in which its place is."""
        shard = place // self.layout.rows_per_shard
        slot = place % self.layout.rows_per_shard
        records = torch.cat([slot.view(torch.uint8).view(-1, SLOT_BYTES), records], dim=1)
        order = shard.argsort(stable=True)
        counts = shard.bincount(minlength=self.layout.n_shards).tolist()
        for file, part in zip(self._files, records[order].split(counts), strict=True):
            file.write(part.numpy().data)

    def _wait(self) -> None:
        """Until the rows before are hashed and written: what went wrong there is raised here."""
        for each in self._at_work:
            each.result()

    @contextmanager
    def _writing(self) -> Iterator["ShardWriter"]:
        _remove_leftovers(self.folder)
        generator = torch.Generator().manual_seed(self.layout.seed)
        self._place = torch.randperm(self.layout.n_rows, generator=generator)
        self._n_appended, self._digest = 0, hashlib.sha256(repr(self.layout).encode())
        self._at_work: list[Future[None]] = []
        with whole(self.folder) as self._partial:
            self._partial.mkdir()
            with ThreadPoolExecutor(max_workers=THREADS) as self._threads:
                with ExitStack() as stack:
                    paths = [self._waiting(shard) for shard in range(self.layout.n_shards)]
                    self._files = [stack.enter_context(path.open("wb")) for path in paths]
                    yield self
                    self._wait()
                self._finish()

    def _finish(self) -> None:
        if self.rows_left:
            raise ValueError(f"{self.rows_left} of n_rows={self.layout.n_rows} rows are missing")
        index = Index(layout=self.layout, digest=self._digest.hexdigest())
        shards = range(self.layout.n_shards)
        list(self._threads.map(lambda shard: self._put_in_order(shard, index), shards))
        (self._partial / INDEX_FILE).write_text(index.to_json(), encoding="utf-8")

    def _put_in_order(self, shard: int, index: Index) -> None:
        path = shard_path(self._partial, shard)
        save_file(self._ordered(shard), path, metadata={LABEL: index.label_of(shard)})
        self._waiting(shard).unlink()

    def _ordered(self, shard: int) -> Rows:
        raw = torch.from_numpy(np.fromfile(self._waiting(shard), dtype=np.uint8))
        records = raw.view(self.layout.rows_of(shard), -1)
        slot = records[:, :SLOT_BYTES].contiguous().view(torch.int64).squeeze(1)
        order, at, rows = slot.argsort(), SLOT_BYTES, {}
        for name, column in self.layout.columns.items():
            n_bytes = column.dtype.itemsize * (column.width or 1)
            values = records[:, at : at + n_bytes][order].view(column.dtype)
            rows[name] = values.view(self.layout.shape_of(shard, name))
            at += n_bytes
        return rows

    def _records(self, rows: Rows) -> Tensor:
        """The rows as bytes, columns side by side."""
        if set(rows) != set(self.layout.columns):
            raise ValueError(f"columns {sorted(rows)}; the cache has {sorted(self.layout.columns)}")
        n_rows = len(next(iter(rows.values())))
        parts = []
        for name, column in self.layout.columns.items():
            shape = (n_rows,) if column.width is None else (n_rows, column.width)
            if rows[name].shape != shape:
                raise ValueError(f"column {name} is {tuple(rows[name].shape)}, not {shape}")
            values = rows[name].detach().to("cpu", column.dtype).contiguous()
            parts.append(values.view(n_rows, -1).view(torch.uint8))
        return torch.cat(parts, dim=1)

    def _waiting(self, shard: int) -> Path:
        return self._partial / f"{shard:05d}.waiting"


def _remove_leftovers(folder: Path) -> None:
    """Remove what killed writers of this cache have left: it may be gigabytes."""
    for partial in folder.parent.glob(f".{folder.name}.*.partial"):
        owner = partial.name.split(".")[-2]
        if owner == str(os.getpid()) or not (owner.isdigit() and psutil.pid_exists(int(owner))):
            shutil.rmtree(partial, ignore_errors=True)
