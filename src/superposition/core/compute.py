"""Where the computing happens: device, number format, progress, time, checkpoints."""

import math
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
from tqdm import tqdm

T = TypeVar("T")


def device(name: str) -> torch.device:
    """The device called `name`; `auto` is CUDA where there is one, otherwise the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"device={name!r}, but torch sees no CUDA device; allowed here: auto, cpu")
    return torch.device(name)


def has_fast_bf16(where: torch.device) -> bool:
    """Whether matrix products in bfloat16 are native there, and so faster than in float32."""
    if where.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return where.type == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported() and _cpu_has_bf16()


def _cpu_has_bf16() -> bool:
    capabilities = torch.backends.cpu.get_cpu_capability
    units = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
    tiles = getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)()
    return bool(units or tiles) and "AVX512" in capabilities().upper()


def matmul_dtype(where: torch.device) -> torch.dtype:
    """The number format for large matrix products: bfloat16 where it is native, else float32."""
    return torch.bfloat16 if has_fast_bf16(where) else torch.float32


def progress(items: Iterable[T], description: str, *, total: int | None = None) -> Iterator[T]:
    """`items`, with a progress bar on standard error: a line a minute where it is not a screen."""
    interval = 0.2 if sys.stderr.isatty() else 60.0
    yield from tqdm(
        items, desc=description, total=total, mininterval=interval, dynamic_ncols=True, leave=True
    )


class Paused(Exception):
    """A run whose time is over: its state is kept, and the same command goes on from there."""


@dataclass(kw_only=True)
class Clock:
    """The time that a run takes, over all the pieces in which it is made."""

    limit: float = math.inf
    """Seconds that this piece may take."""
    before: float = 0.0
    """Seconds that earlier pieces took."""
    started: float = field(default_factory=time.monotonic)
    """When this piece began."""

    @property
    def seconds(self) -> float:
        """Of all pieces so far."""
        return self.before + time.monotonic() - self.started

    @property
    def is_over(self) -> bool:
        """Whether this piece has used up its time."""
        return time.monotonic() - self.started >= self.limit


@runtime_checkable
class Checkpoint(Protocol):
    """Somewhere to keep the state of a long run, so that a killed run continues where it was."""

    def load(self) -> dict[str, Any] | None:
        """The state kept last, or None if there is none for the same parameters and inputs."""
        ...

    def is_due(self) -> bool:
        """Whether it is time to save; asked after every step."""
        ...

    def save(self, state: dict[str, Any]) -> None:
        """Keep `state` in place of the one before. Whole or not at all. May end the run."""
        ...


class NoCheckpoint:
    """A checkpoint that keeps nothing: for tests and short runs."""

    def load(self) -> None:
        """Nothing."""

    def is_due(self) -> bool:
        """Never."""
        return False

    def save(self, state: dict[str, Any]) -> None:
        """Forget `state`."""
