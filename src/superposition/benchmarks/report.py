"""The benchmark of autoencoders as text, for the terminal."""

from typing import Any

import pandas as pd


def table(found: dict[str, Any]) -> str:
    """A line per architecture, width, batch size and contender, and what was left out."""
    lines = [steps(found["steps"])]
    if found["quality"]:
        lines += ["", pd.DataFrame(found["quality"]).to_string(index=False)]
    lines += [f"left out: {each[:300]}" for each in found["left_out"]]
    return "\n".join(lines)


def steps(rows: list[dict[str, Any]]) -> str:
    """A line per row of the steps."""
    if not rows:
        return "no step was timed"
    frame = pd.DataFrame(rows)
    shown = pd.DataFrame(
        {
            "arch": frame["arch"],
            "d_sae": frame["d_sae"],
            "batch": frame["batch_size"],
            "contender": frame["contender"],
            "setting": frame["setting"],
            "ms a step": 1e3 * frame["wall_seconds"],
            "cpu ms": 1e3 * frame["cpu_seconds"],
            "times ours": frame["wall_ratio"],
            "cpu times ours": frame["cpu_ratio"],
            "MiB": frame["peak_bytes"] / 2**20,
            "L0": frame["l0"],
        }
    )
    return shown.to_string(index=False, float_format=lambda number: f"{number:.4g}")
