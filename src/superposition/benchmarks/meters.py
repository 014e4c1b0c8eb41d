"""Memory and time as a device counts them. Only torch: the peers' interpreter runs this, too."""

import ctypes
import gc
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch

_STATUS, _REFERENCES = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@runtime_checkable
class Meter(Protocol):
    """What is read off a device before, between and after steps."""

    more_steps: int
    """Steps that are needed before the clock starts, after memory is claimed."""
    waits_each_step: bool
    """Whether a step is over when its call is."""

    def wait(self) -> None:
        """Return when everything that was asked for is done."""
        ...

    def held(self) -> int:
        """Bytes in use now."""
        ...

    def peak(self) -> int:
        """Bytes in use at most since `forget_peak`."""
        ...

    def forget_peak(self) -> None:
        """Let the largest memory so far count from now on."""
        ...

    def give_back(self) -> None:
        """Return freed memory to the system, so that the next case does not begin with it."""
        ...


class Processor:
    """The resident memory of this process."""

    more_steps, waits_each_step = 0, True

    def wait(self) -> None:
        """Nothing: a step is over when its call is."""

    def held(self) -> int:
        """Linux's account; 0 on other systems."""
        return _bytes("VmRSS")

    def peak(self) -> int:
        """Linux's account; 0 on other systems."""
        return _bytes("VmHWM")

    def forget_peak(self) -> None:
        """By Linux's own switch for it."""
        if _REFERENCES.exists():
            _REFERENCES.write_text("5", encoding="utf-8")

    def give_back(self) -> None:
        """What Python and the allocator keep for later."""
        gc.collect()
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


class Gpu:
    """The memory that torch handed out on one GPU.

    What a recorded step needs while it is replayed is handed out only while it is recorded. So the
    peak counts from before the recording on: see superposition.gpu.recorded.
    """

    more_steps, waits_each_step = 4, False

    def __init__(self, device: torch.device) -> None:
        """Of that GPU, whose libraries' working memory is claimed now, and so is nobody's."""
        self.device = device
        some = torch.ones(64, 64, device=device)
        torch.mm(some, some)

    def wait(self) -> None:
        """For all kernels."""
        torch.cuda.synchronize(self.device)

    def held(self) -> int:
        """Of live tensors."""
        return torch.cuda.memory_allocated(self.device)

    def peak(self) -> int:
        """Of live tensors."""
        return torch.cuda.max_memory_allocated(self.device)

    def forget_peak(self) -> None:
        """By torch's own switch for it."""
        torch.cuda.reset_peak_memory_stats(self.device)

    def give_back(self) -> None:
        """What Python and torch keep for later."""
        gc.collect()
        torch.cuda.empty_cache()


def meter_for(device: str) -> Meter:
    """The meter of a device."""
    where = torch.device(device)
    return Gpu(where) if where.type == "cuda" else Processor()


def _bytes(name: str) -> int:
    """A figure of Linux's account of this process; 0 on other systems."""
    if not _STATUS.exists():
        return 0
    lines = dict(line.split(":", 1) for line in _STATUS.read_text("utf-8").splitlines())
    return 1024 * int(lines[name].split()[0])
