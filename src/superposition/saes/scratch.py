"""Memory for what a step needs for a moment, kept for the next moment and the next step.

The C library gives large memory back as soon as it is free. To be given it again costs more time
than most of what is done with it, and half as much as the encoder's product (in bfloat16).
"""

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor


class Scratch:
    """Memory that its users have in turn; it goes when the last of them goes."""

    def __init__(self) -> None:
        """Nothing, until it is asked for."""
        self._bytes = torch.empty(0, dtype=torch.uint8)
        self._taken = threading.Lock()

    @contextmanager
    def tensor(self, shape: Sequence[int], dtype: torch.dtype) -> Iterator[Tensor]:
        """A tensor with any values, for the time of the context.

        Whoever asks while another thread has it gets memory of its own.
        """
        if not self._taken.acquire(blocking=False):
            yield torch.empty(shape, dtype=dtype)
            return
        try:
            yield self._sized(torch.Size(shape).numel() * dtype.itemsize).view(dtype).view(shape)
        finally:
            self._taken.release()

    @contextmanager
    def like(self, other: Tensor) -> Iterator[Tensor]:
        """A tensor with the shape and order in memory of `other`, a matrix or its transpose."""
        if other.device.type != "cpu":
            yield torch.empty_like(other)
            return
        is_transposed = other.ndim > 1 and not other.is_contiguous()
        with self.tensor((other.mT if is_transposed else other).shape, other.dtype) as found:
            yield found.mT if is_transposed else found

    def __reduce__(self) -> tuple[Callable[[], "Scratch"], tuple[()]]:
        """A copy of a user, here or in another process, is one more user."""
        return shared, ()

    def _sized(self, n_bytes: int) -> Tensor:
        if len(self._bytes) < n_bytes:
            self._bytes = torch.empty(0, dtype=torch.uint8)  # the old goes before the new comes
            self._bytes = torch.empty(n_bytes, dtype=torch.uint8)
        return self._bytes[:n_bytes]


def shared() -> Scratch:
    """The one that all autoencoders of this process use."""
    found = next(iter(_in_use), None) or Scratch()
    _in_use.add(found)
    return found


_in_use: weakref.WeakSet[Scratch] = weakref.WeakSet()
