"""What a run will need, before it starts: time, memory and disk, and whether they are there.

The rates were measured on two cores with bfloat16 units ; a short matrix product on this machine
scales them. They are estimates for planning, not results.
"""

import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import torch

from superposition.core import compute
from superposition.core.params import Params

GIB = 2.0**30
REFERENCE_PRODUCTS_PER_SECOND = 2.4e11
"""Multiply-adds per second of a 4096 x 512 x 4096 product on the machine that gave the rates."""
BASE_MEMORY = 0.8 * GIB
"""What Python, torch and pandas take before any data."""


class ResourceError(ValueError):
    """Too little disk or memory for what was asked."""


class Need(NamedTuple):
    """What one stage will need."""

    stage: str
    """stage or stage@row."""
    seconds: float
    """On this machine, if nothing else runs."""
    memory: float
    """Peak, in bytes."""
    disk: float
    """Kept under data/, in bytes."""
    epochs: float = 0.0
    """How often it reads its cache of activations, if it trains on one."""


Row = dict[str, Any]
Amounts = tuple[float | int, float | int, float | int]
"""Seconds, bytes of memory beyond Python's own, bytes of disk."""


def estimate(params: Params) -> list[Need]:
    """What every stage will need at this scale, if all of them have to run."""
    scaled = _machine_factor(compute.device(params.tree["device"]))
    needs = []
    for stage, needs_of in _STAGES.items():
        section = params.value(stage) if stage in params.tree else {}
        rows = section if stage in _WITH_ROWS else {"": section}
        for row, values in rows.items():
            seconds, memory, disk = needs_of(values, params.tree)
            title = f"{stage}@{row}" if row else stage
            epochs = _epochs(values, params.tree) if stage in ("sae", "sweep") else 0.0
            needs.append(Need(title, seconds * scaled, BASE_MEMORY + memory, disk, epochs))
    return needs


def check(
    needs: list[Need], *, folder: Path, kept: int = 0, free_memory: float | None = None
) -> None:
    """Refuse in one sentence if the disk at `folder` or the memory will not do.

    `kept` are the bytes of what an earlier run left, which this one uses or replaces.
    """
    disk = sum(need.disk for need in needs) - kept
    free = shutil.disk_usage(folder).free
    if disk > free:
        raise ResourceError(
            f"this scale keeps about {disk / GIB:.1f} GiB under data/, but {folder.resolve()} has "
            f"{free / GIB:.1f} GiB free: free some, or choose a smaller scale (SCALE=smoke)"
        )
    available = psutil.virtual_memory().available if free_memory is None else free_memory
    largest = max(needs, key=lambda need: need.memory)
    if largest.memory > available:
        raise ResourceError(
            f"stage {largest.stage} needs about {largest.memory / GIB:.1f} GiB of memory, but "
            f"{available / GIB:.1f} GiB are available: close something, or choose a smaller scale"
        )


def size_of(folder: Path) -> int:
    """Bytes of all files below `folder`."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def describe(needs: list[Need], scale: str) -> str:
    """The plan in a few lines."""
    largest = max(needs, key=lambda need: need.memory)
    slowest = sorted(needs, key=lambda need: -need.seconds)[:4]
    lines = [
        f"Scale {scale}: at most about {_minutes(sum(need.seconds for need in needs))} here, "
        f"{largest.memory / GIB:.1f} GiB of memory ({largest.stage}), "
        f"{sum(need.disk for need in needs) / GIB:.1f} GiB of disk.",
        "Longest: " + ", ".join(f"{need.stage} {_minutes(need.seconds)}" for need in slowest) + ".",
        *_repeated(needs),
        "Stages that are up to date are skipped.",
    ]
    return "\n".join(lines)


def _repeated(needs: list[Need]) -> list[str]:
    """A line on the trainings that see activations more than once, if there are any."""
    times: dict[str, list[str]] = {}
    for need in needs:
        if need.epochs > 1:
            times.setdefault(f"{need.epochs:.1f}", []).append(need.stage)
    parts = [f"{', '.join(stages)} {number} times" for number, stages in times.items()]
    return [f"Reading their activations more than once: {'; '.join(parts)}."] if parts else []


def _minutes(seconds: float) -> str:
    return f"{math.ceil(seconds)} s" if seconds < 90 else f"{math.ceil(seconds / 60)} min"


def _machine_factor(device: torch.device) -> float:
    """How many times longer than on the reference machine a matrix product takes here."""
    dtype = compute.matmul_dtype(device)
    left = torch.ones(4096, 512, dtype=dtype, device=device)
    right = torch.ones(512, 4096, dtype=dtype, device=device)
    times = []
    for _ in range(6):  # the best of a few: other programs only ever slow one down
        started = time.perf_counter()
        (left @ right)[0, 0].item()
        times.append(time.perf_counter() - started)
    rate = 4096 * 512 * 4096 / min(times)
    # Only part of the time is matrix products, so neither extreme carries over in full.
    return float(min(max(REFERENCE_PRODUCTS_PER_SECOND / rate, 0.2), 4.0))


def _text(row: Row, tree: Row) -> Amounts:
    return 4 + row["max_bytes"] / 4e7, 8 * row["max_bytes"], 0.3 * row["max_bytes"]


def _tokens(row: Row, tree: Row) -> Amounts:
    text = tree["text"]["max_bytes"]
    return 3 + text / 5e6, 12 * text, 1.4 * text


def _concepts(row: Row, tree: Row) -> Amounts:
    tokens = tree["text"]["max_bytes"] * tree["text"]["held_out_fraction"] / 3
    return 4 + tokens / 4e4, 250 * tokens, 30 * tokens


def _ngrams(row: Row, tree: Row) -> Amounts:
    tokens = tree["text"]["max_bytes"] / 3
    return 2 + tokens / 1.6e6, 130 * tokens, 0


def _transformer(row: Row, tree: Row) -> Amounts:
    if row["made_from"] != "tokens":
        return 15, 0.5 * GIB, 6e6
    return 15 + row["training"]["n_tokens"] / 5e4, 1.0 * GIB, 6e6


def _activations(row: Row, tree: Row) -> Amounts:
    disk = 2.1 * 512 * row["n_tokens"]
    return 3 + row["n_tokens"] / 1.1e5, 0.5 * GIB + 8 * row["n_tokens"], disk


def _toy(row: Row, tree: Row) -> Amounts:
    variants = row["n_seeds"] * len(row.get("relative_importances", [1.0]))
    variants *= len(row.get("relative_densities", [1.0])) * len(row.get("l1_coefficients", [0.0]))
    densities, n = row["feature_probabilities"], row["n_features"]
    stored = sum(1 - (1 - p) ** n for p in densities)  # samples with no active feature are not
    steps = row["n_steps"] * row.get("batch_size", 1024) + 0.4 * row.get("n_held_out", 1_048_576)
    seconds = variants * stored * steps * n * (1.5e-9 + 6e-11 * row["d_hidden"])
    weights = 4 * n * row["d_hidden"] * variants * len(densities)
    return 3 + seconds, 0.5 * GIB, 1e6 + weights * (1 + row.get("n_snapshots", 0))


def _memorisation(row: Row, tree: Row) -> Amounts:
    models = row["n_data_sets"] * row["n_starts"]
    models *= len(row.get("weight_decays", [0.01])) * sum(row["n_steps"])
    n, sizes = row["n_features"], row["n_points"]
    widths = sum(1 + 0.1 * d_hidden for d_hidden in row["d_hidden"])
    outputs = models * widths * (sum(sizes) + 60 * len(sizes)) * n
    seconds = outputs * sum(3e-10 * (1 + 30 * p) for p in row["feature_probabilities"])
    return 3 + seconds, 0.5 * GIB, 1e6 + 30 * n * row.get("keep_vectors", False) * models / 100


def _robustness(row: Row, tree: Row) -> Amounts:
    tries = _models(row, tree) * row["n_samples"]
    return 3 + tries * tree["toy"][row["models"]]["n_features"] ** 2 / 4e8, 0.3 * GIB, 1e6


def _sparse_recovery(row: Row, tree: Row) -> Amounts:
    rounds = _models(row, tree) * row["n_samples"] * row["max_active"]
    return 3 + rounds / 2e5, 0.5 * GIB, 1e6


def _adversarial(row: Row, tree: Row) -> Amounts:
    instances = len(row["feature_probabilities"]) * len(row["attack_norms"]) * row["n_seeds"]
    samples = instances * row["n_steps"] * row["batch_size"]
    return 3 + samples * (2e-6 + row["n_features"] ** 2 / 8e8), 0.3 * GIB, 1e6


def _models(row: Row, tree: Row) -> int:
    """How many toy models the row's experiment has."""
    toy = tree["toy"][row["models"]]
    return len(toy["feature_probabilities"]) * toy["n_seeds"]


def _perturbation(row: Row, tree: Row) -> Amounts:
    models = 2 * len(row["relative_densities"]) * row["n_starts"]
    evaluations = row["n_steps"] + 10 * row["n_repeats"]
    return 3 + models * row["n_points"] * evaluations * 2e-6, 0.3 * GIB, 1e5


def _toy_sae(row: Row, tree: Row) -> Amounts:
    return 2 + row["training"]["n_steps"] / 900, 0.3 * GIB, 1e6


def _toy_comparison(row: Row, tree: Row) -> Amounts:
    shared = row["shared"]["training"]
    steps = sum(
        own.get("training", {}).get("n_steps", shared["n_steps"])
        for own in row["variants"].values()
    )
    models = tree["toy"][row["models"]]
    inputs = models["n_seeds"] * row["data"].get("n_copies", 1) * shared["batch_size"]
    width = models["n_features"] + row["shared"]["d_sae"]
    return 4 + steps * (5e-4 + 7e-9 * inputs * width), 0.7 * GIB, 1e6


def _epochs(row: Row, tree: Row) -> float:
    """How often the cached activations are read, for a row of `sae` or `sweep`."""
    training = (row.get("shared") or row)["training"]
    n_rows = tree["activations"][row["activations"]]["n_tokens"]
    return training["n_steps"] * training["batch_size"] / n_rows


def _sae(row: Row, tree: Row) -> Amounts:
    width = row["d_sae"] / 4096
    seconds = 5 + row["training"]["n_steps"] * row["training"]["batch_size"] * width / 3.5e4
    return seconds, (1 + 1.5 * width) * GIB, 17e6 * width


def _sweep(row: Row, tree: Row) -> Amounts:
    training, each = row["shared"]["training"], len(row["levels"]) * len(row["seeds"])
    widths = each * sum(d_sae / 4096 for d_sae in row["d_sae"])
    steps = training["n_steps"] * training["batch_size"] * widths / 2.8e4
    evaluation = row["n_tokens"] * (8 + each * len(row["d_sae"]) + widths) / 1e5
    return 6 + steps + evaluation, (0.5 + 0.1 * widths) * GIB, 17e6 * widths


def _evaluation(row: Row, tree: Row) -> Amounts:
    rows = len(tree["sae"])
    return rows * (4 + tree["evaluation"]["n_tokens"] / 1.4e4), 1 * GIB, 1e6


def _features(row: Row, tree: Row) -> Amounts:
    rows = len(row["autoencoders"])
    return rows * (4 + tree["features"]["n_tokens"] / 2.4e4), 1 * GIB, 5e6 * rows


def _universality(row: Row, tree: Row) -> Amounts:
    return 8 + row["n_tokens"] / 1.5e4, 1.6 * GIB + 1000 * row["n_tokens"], 2e6


def _splitting(row: Row, tree: Row) -> Amounts:
    return 8 + row["n_tokens"] / 5e3, GIB + 4000 * row["n_tokens"], 5e6


def _automata(row: Row, tree: Row) -> Amounts:
    return 8 + row["n_tokens"] / 2.5e4, GIB + 1000 * row["n_tokens"], 1e6


def _atlas(row: Row, tree: Row) -> Amounts:
    latents = row["reads"].startswith("sae/")
    units = tree["sae"][row["reads"].partition("/")[2]]["d_sae"] if latents else 512
    seconds = 10 + row["n_tokens"] / 1.8e4 + units * (8e-3 + row["n_cases"] / 4e3)
    return seconds, GIB + (1200 if latents else 4000) * row["n_tokens"], 1500 * units


def _contexts(row: Row, tree: Row) -> Amounts:
    return 8 + row["n_tokens"] / 1.4e4, GIB + 3500 * row["n_tokens"], 1e6


def _causal(row: Row, tree: Row) -> Amounts:
    cases = row["n_cases"] * (row["n_random"] + 400) + 200 * row["n_prompts"] * row["n_new"]
    return 8 + row["n_tokens"] / 3e4 + cases / 1e4, GIB + 6000 * row["n_tokens"], 1e6


def _consistency(row: Row, tree: Row) -> Amounts:
    seconds = 6 + row["n_tokens"] / 3e4 + row["n_tokens"] * row["n_units"] / 1.2e7
    return seconds, GIB + 3500 * row["n_tokens"], 1e6


def _interpretability(row: Row, tree: Row) -> Amounts:
    rate = 2.2e4 if row["dictionary"] == "sae" else 3e4
    return 8 + row["n_tokens"] / rate, 1.5 * GIB + 200 * row["n_tokens"], 2e6


def _probes(row: Row, tree: Row) -> Amounts:
    passes = row["n_tokens"] * (2 + row["n_epochs"])
    return 6 + passes / 3e5 + row["n_tokens"] / 1e5, 0.5 * GIB + 1500 * row["n_tokens"], 1e5


def _theory(row: Row, tree: Row) -> Amounts:
    return 3 + row["n_samples"] / 4e5 + row["thomson_starts"] / 30, 0.7 * GIB, 1e6


def _paper(row: Row, tree: Row) -> Amounts:
    return 35, 0.5 * GIB, 2e7


_WITH_ROWS = {"transformer", "activations", "toy", "toy_sae", "sae", "sweep"} | {
    "memorisation",
    "robustness",
    "sparse_recovery",
    "adversarial",
    "toy_comparison",
    "universality",
    "contexts",
    "causal",
    "consistency",
    "interpretability",
    "probes",
    "atlas",
}
_STAGES: dict[str, Callable[[Row, Row], Amounts]] = {
    "text": _text,
    "tokens": _tokens,
    "concepts": _concepts,
    "ngrams": _ngrams,
    "transformer": _transformer,
    "activations": _activations,
    "toy": _toy,
    "memorisation": _memorisation,
    "robustness": _robustness,
    "sparse_recovery": _sparse_recovery,
    "adversarial": _adversarial,
    "perturbation": _perturbation,
    "theory": _theory,
    "toy_sae": _toy_sae,
    "toy_comparison": _toy_comparison,
    "sae": _sae,
    "sweep": _sweep,
    "evaluation": _evaluation,
    "features": _features,
    "universality": _universality,
    "contexts": _contexts,
    "causal": _causal,
    "consistency": _consistency,
    "interpretability": _interpretability,
    "probes": _probes,
    "splitting": _splitting,
    "automata": _automata,
    "atlas": _atlas,
    "paper": _paper,
}
