"""The full scale with tiny sizes: every row, option and path as it is, and little of everything.

Only numbers that say how much are made smaller, by their names, so that what is added to the
parameters is dry-run without anyone's doing.
"""

from typing import Any

import torch

from superposition.core.params import Params

LARGEST: dict[str, int] = {
    # Text and the transformer
    "max_bytes": 1_000_000,
    "sample_bytes": 300_000,
    "vocab_size": 512,
    "min_tokens": 5,
    "held_out_tokens": 4_096,
    "evaluate_every": 10,
    "evaluate_tokens": 1_024,
    # How long, how many at once
    "n_tokens": 2_048,
    "n_steps": 20,
    "batch_size": 128,
    "log_every": 5,
    "dead_window": 10,
    "trace_every": 10,
    "n_inputs": 256,
    "rows_per_shard": 500,
    "rows_at_once": 512,
    "n_copies": 2,
    # Toys
    "n_seeds": 2,
    "n_starts": 2,
    "n_data_sets": 2,
    "n_held_out": 512,
    "n_snapshots": 5,
    "n_features": 400,
    "n_samples": 200,
    "n_points": 60,
    "n_repeats": 2,
    "n_grid": 19,
    "n_weights": 53,
    "n_biases": 21,
    "linear_starts": 10,
    "linear_steps": 100,
    "set_samples": 2_000,
    "direct_samples": 10_000,
    "thomson_starts": 4,
    "thomson_steps": 50,
    # What is looked at
    "n_bootstrap": 50,
    "n_latents": 8,
    "n_by_effect": 2,
    "n_units": 16,
    "n_directions": 16,
    "n_top": 4,
    "n_cases": 6,
    "n_random": 6,
    "n_prompts": 2,
    "prompt_tokens": 8,
    "pinned_tokens": 4,
    "released_tokens": 4,
    "n_new": 3,
    "min_active": 1,
    "min_predicted": 1,
}
"""How much of it at most, by the name of the parameter."""
NARROWEST, WIDER = 64, 32
"""Latents of the smallest dictionary that is not a toy's, and by how many the next is wider."""


def shrunk(params: Params) -> dict[str, Any]:
    """The tree of `params` with nothing larger than in `LARGEST`, on a GPU where there is one."""
    tree = {section: _smaller(values) for section, values in params.tree.items()}
    for row, values in tree["memorisation"].items():  # as many active features as before
        factor = params.value("memorisation", row)["n_features"] / values["n_features"]
        values["feature_probabilities"] = [p * factor for p in values["feature_probabilities"]]
    for values in tree["toy"].values():  # where a row is silent, the notebook's sizes hold
        values |= {"n_held_out": LARGEST["n_held_out"], "batch_size": 64}
    for values in tree["transformer"].values():
        if values.get("training"):
            values["training"]["batch_size"] = 4
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return _narrow(tree, _widths(params.tree)) | {"device": device}


def _smaller(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _smaller(each, key) for key, each in value.items()}
    if name not in LARGEST or value is None:
        return value
    if not isinstance(value, list):
        return min(value, LARGEST[name])
    if max(value) <= LARGEST[name]:
        return value
    return [max(1, LARGEST[name] * (i + 1) // len(value)) for i in range(len(value))]


def _widths(tree: dict[str, Any]) -> dict[int, int]:
    """A small width for every large one, in the same order."""
    found = {values["d_sae"] for values in tree["sae"].values()}
    found |= {width for values in tree["sweep"].values() for width in values["d_sae"]}
    return {width: NARROWEST + i * WIDER for i, width in enumerate(sorted(found))}


def _narrow(value: Any, widths: dict[int, int], name: str = "") -> Any:
    """`value` with its dictionaries made narrow, also in the names of a sweep's points."""
    if isinstance(value, dict):
        return {key: _narrow(each, widths, key) for key, each in value.items()}
    if name == "d_sae" and isinstance(value, list):
        return [widths.get(width, width) for width in value]
    if name == "d_sae":
        return widths.get(value, value)
    if name.endswith("_point") and value is not None:
        width, _, rest = value.partition("-")
        return f"{widths[int(width)]}-{rest}"
    return value
