"""What the benchmark ran on, for whoever reads its numbers elsewhere."""

import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import torch

from superposition.core.compute import has_fast_bf16

_CPU_INFO = Path("/proc/cpuinfo")
_SIDE = 8192
"""Of the square matrices whose product is timed."""
_COPIED = 2**30
"""Bytes that are copied."""
_TIMES = 20


def describe(device: torch.device | None = None) -> dict[str, Any]:
    """Processor, memory, load and versions; and what `device` can do, if it is a GPU."""
    found = {} if device is None or device.type != "cuda" else _accelerator(device)
    return found | {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "vector_units": torch.backends.cpu.get_cpu_capability(),
        "bfloat16_units": has_fast_bf16(torch.device("cpu")),
        "memory_bytes": psutil.virtual_memory().total,
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": version("torch"),
        "load": _load(),
    }


def _accelerator(device: torch.device) -> dict[str, Any]:
    """A GPU by name, and two rates that nothing on it exceeds by much, measured."""
    a, b = torch.randn(2, _SIDE, _SIDE, device=device, dtype=torch.bfloat16)
    out = torch.empty_like(a)
    product = _seconds(lambda: torch.mm(a, b, out=out), device)
    source = torch.zeros(_COPIED, dtype=torch.uint8, device=device)
    target = torch.ones_like(source)
    copied = _seconds(lambda: target.copy_(source), device)
    del a, b, out, source, target
    torch.cuda.empty_cache()
    return {
        "accelerator": torch.cuda.get_device_name(device),
        "accelerator_memory_bytes": torch.cuda.get_device_properties(device).total_memory,
        "cuda": torch.version.cuda,
        "bfloat16_flop_per_second": 2 * _SIDE**3 / product,
        "copy_bytes_per_second": 2 * _COPIED / copied,
    }


def _seconds(work: Callable[[], Any], device: torch.device) -> float:
    """Of `work`, asked for many times without waiting: the fastest of three turns."""
    turns = []
    for _ in range(1 + 3):  # the first one is for the libraries
        torch.cuda.synchronize(device)
        began = time.perf_counter()
        for _ in range(_TIMES):
            work()
        torch.cuda.synchronize(device)
        turns.append((time.perf_counter() - began) / _TIMES)
    return min(turns[1:])


def _load() -> float:
    """Programs that wanted a core, mean over the last five minutes; 0 where nobody counts."""
    return os.getloadavg()[1] if hasattr(os, "getloadavg") else 0.0


def _processor() -> str:
    if not _CPU_INFO.exists():
        return platform.processor() or platform.machine()
    lines = _CPU_INFO.read_text("utf-8").splitlines()
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), "unknown")
