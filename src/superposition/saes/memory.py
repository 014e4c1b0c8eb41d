"""Memory of a training on a processor: kept from step to step, not given back and asked for anew.

The pre-activations of 4,096 inputs at 16,384 latents are 268 MB. The C library gives memory of that
size back to the system as soon as it is free, and the system clears every page that it hands out
again: a fifth to a quarter of a step.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import torch

TRIM_THRESHOLD, MMAP_MAX = -1, -4
"""Names of the settings in glibc's malloc.h."""
NEVER, NOTHING = -1, 0
USUAL_THRESHOLD, USUAL_MMAPS = 128 * 1024, 65_536
"""What glibc begins with."""


@contextmanager
def kept(device: torch.device) -> Iterator[None]:
    """While it lasts, what is freed on a processor stays with the process; at its end, all goes.

    Where the C library is another one than glibc, nothing changes.
    """
    if device.type == "cpu":
        keep()
    try:
        yield
    finally:
        if device.type == "cpu":
            give_back()


def keep() -> None:
    """Keep what is freed from now on."""
    _set(MMAP_MAX, NOTHING)
    _set(TRIM_THRESHOLD, NEVER)


def give_back() -> None:
    """Give back what is free, and what will be."""
    _set(MMAP_MAX, USUAL_MMAPS)
    _set(TRIM_THRESHOLD, USUAL_THRESHOLD)
    if (trim := _library("malloc_trim")) is not None:
        trim(0)


def _set(name: int, value: int) -> None:
    if (mallopt := _library("mallopt")) is not None:
        mallopt(name, value)


def _library(function: str) -> "ctypes._NamedFuncPointer | None":
    return getattr(ctypes.CDLL(None), function, None)
