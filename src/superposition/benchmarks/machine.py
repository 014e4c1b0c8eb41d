"""What the benchmark ran on, for whoever reads its numbers elsewhere."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import torch

from superposition.core.compute import has_fast_bf16

_CPU_INFO = Path("/proc/cpuinfo")


def describe() -> dict[str, Any]:
    """Processor, memory, load and versions."""
    return {
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


def _load() -> float:
    """Programs that wanted a core, mean over the last five minutes; 0 where nobody counts."""
    return os.getloadavg()[1] if hasattr(os, "getloadavg") else 0.0


def _processor() -> str:
    if not _CPU_INFO.exists():
        return platform.processor() or platform.machine()
    lines = _CPU_INFO.read_text("utf-8").splitlines()
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), "unknown")
