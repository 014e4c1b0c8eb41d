"""A made-up benchmark, and frames of it for the figures of the page on speed."""

import itertools
from dataclasses import replace
from typing import Any

from superposition.benchmarks.definitions import CONDITIONS
from superposition.benchmarks.plan import ARCHITECTURES, QUICK
from superposition.benchmarks.record import Record
from superposition.charts import benchmarks
from superposition.charts.benchmarks import CLOCKS

WIDTHS = (1024, 4096)
RATIOS = {"ours": 1.0, "plain": 4.0, "product": 0.5, "memory": 0.1, "SAELens": 6.0}
"""Contenders, with how many times as long as ours they take."""


def sections(**machine: Any) -> dict[str, Any]:
    """What data/bench.json holds; `machine` changes what it ran on."""
    described = {"processor": "a processor", "cores": 2, "vector_units": "AVX2", "load": 1.0}
    described |= {"bfloat16_units": False, "torch": "2.13.0"}
    return {
        "machine": described | machine,
        "plan": vars(replace(QUICK, batch_size=4096, batch_sizes=(256,), batch_width=4096)),
        "steps": [
            _step(arch, width, name)
            for width, arch, name in itertools.product(WIDTHS, ARCHITECTURES, RATIOS)
        ]
        + [_step("topk", 4096, name, batch_size=256) for name in RATIOS],
        "quality": [
            {"arch": arch, "contender": name, "l0": 4.0, "seed": seed}
            | {"explained_variance": value + 0.01 * seed}
            for arch in ("topk", "batch_topk")
            for name, value in (("ours", 0.75), ("plain", 0.748), ("SAELens", 0.73))
            for seed in range(2 if name != "SAELens" else 1)
        ],
        "metrics": [
            {"condition": name, "metric": metric, "ours": 0.5, "dictionary_learning": 0.75}
            for name in CONDITIONS
            for metric in ("explained_variance", "loss_recovered")
        ],
        "versions": {"sae-lens": "6", "dictionary-learning": "0.1", "eai-sparsify": "1"},
        "left_out": ["SAELens: NotImplementedError\nwith a second line"],
    }


def gpu_sections() -> dict[str, Any]:
    """What data/bench-gpu.json holds after a run on a GPU where one setting did not run."""
    found = sections(
        accelerator="NVIDIA H100 80GB HBM3",
        accelerator_memory_bytes=85_000_000_000,
        cuda="13.0",
        bfloat16_flop_per_second=7e14,
        copy_bytes_per_second=2.5e12,
        load=99.0,
    )
    for row in found["steps"]:
        if row["contender"] == "ours":
            row["product_share"] = 0.5 if row["d_sae"] == WIDTHS[0] else 0.75
        if row["contender"] == "SAELens":
            row["setting"] = "bfloat16 autocast (float32, sparse activations: does not run here)"
    return found | {"left_out": ["gated at 4096: SAELens: [OutOfMemoryError]\nand so on"]}


def record(**machine: Any) -> Record:
    """The same, as the page reads it."""
    return Record(sections(**machine))


def _step(arch: str, width: int, name: str, batch_size: int = 4096) -> dict[str, Any]:
    """Ours takes 100 ms of wall time at 1,024 latents, and twice that in processor time."""
    row: dict[str, Any] = {"arch": arch, "d_sae": width, "contender": name}
    row["batch_size"] = batch_size
    for factor, clock in enumerate(CLOCKS, start=1):
        seconds = factor * 0.1 * width / 1024 * RATIOS[name] * batch_size / 4096
        for end, by in (("_low", 0.9), ("", 1.0), ("_high", 1.1)):
            row |= {
                f"{clock}_seconds{end}": by * seconds,
                f"{clock}_ratio{end}": by * RATIOS[name],
            }
    peak = int(1e8 * RATIOS[name])
    return row | {"setting": "float32", "l0": 4.0, "peak_bytes": peak}


FIGURES = {
    benchmarks.steps: lambda: (record().steps.query("d_sae == 4096"), "wall"),
    benchmarks.widths: lambda: (record().by_width, "cpu"),
    benchmarks.throughput: lambda: (record().by_width, "wall"),
    benchmarks.batch_sizes: lambda: (record().by_batch_size, "wall"),
    benchmarks.memory: lambda: (record().by_width, "wall"),
}
