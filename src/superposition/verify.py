"""Compare a run with the reference run of its scale.   python -m superposition.verify [SCALE]

Exit status 0 if everything is identical or within tolerance, otherwise 1.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from superposition.core.store import whole
from superposition.reference import comparison, files, machine
from superposition.reference.comparison import Comparison

SHOWN = 40
"""Doubtful values that are printed; verify.json has all."""


def main(scale: str, *, root: Path) -> bool:
    """Print and write the comparison; whether the runs agree."""
    found = comparison.compare(root, scale)
    if not found.exists:
        print(f"verify: {no_reference(scale)}")
        return False
    store = files.own_store(root, scale)
    with whole(store.path("verify.json")) as path:
        text = json.dumps(found.as_json(), indent=2, sort_keys=True) + "\n"
        path.write_text(text, encoding="utf-8")
    print(report(found))
    print(f"\nEvery value: {store.path('verify.json')}")
    return found.agrees


def no_reference(scale: str) -> str:
    """Why there is nothing to compare with."""
    return f"there is no reference run of the scale {scale} in data/{files.FOLDER}/{scale}"


def report(found: Comparison) -> str:
    """The comparison in text: both machines, counts by stage, and what is doubtful."""
    doubtful = found.doubtful()
    parts = [
        f"Scale {found.scale}. Reference: {machine_of(found.facts)}.",
        *(
            f"{len(run['costs'])} of its stages: {machine_of(run)}."
            for run in machine.runs(found.facts)[1:]
        ),
        f"Here: {machine_of(found.machine)}.",
    ]
    if found.changed:
        parts.append(f"Other parameters than the reference run's: {', '.join(found.changed)}.")
    if found.extra:
        parts.append(f"{len(found.extra)} files here that the reference run does not have.")
    if found.not_run:
        parts.append(
            f"{len(found.not_run)} stages were never run here (they left no cost file): what is "
            "identical of them came with the repository."
        )
    parts.append(found.counts().to_string(index=False))
    parts += [_line(row) for row in doubtful.head(SHOWN).to_dict("records")]
    if len(doubtful) > SHOWN:
        parts.append(f"... and {len(doubtful) - SHOWN} more.")
    return "\n".join(parts)


def machine_of(facts: dict[str, Any]) -> str:
    """A machine and its versions in one line."""
    if not facts:
        return "unknown"
    where = f"{facts['processor']}, {facts['cores']} cores"
    if facts["accelerator"] != "none":
        where += f", {facts['accelerator']}"
    with_units = "with" if facts["bfloat16_units"] else "without"
    versions = f"Python {facts['python']}, torch {facts['torch']}"
    return f"{where}, {with_units} bfloat16 units; {versions}; commit {facts['commit']}"


def _line(row: dict[str, Any]) -> str:
    title = "@".join(filter(None, (row["stage"], row["row"])))
    if row["status"] == "not compared":
        return f"{row['status']}: {title}/{row['file']} ({row['basis']})"
    if row["status"] == "missing":
        return f"missing: {title}/{row['file']} {row['value']}"
    return (
        f"{row['status']}: {title}/{row['file']} {row['value']}: {row['own']} here, "
        f"{row['reference']} in the reference, allowed {row['allowed']:.3g} ({row['basis']})"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m superposition.verify")
    parser.add_argument("scale", nargs="?", default="laptop", help="smoke, laptop or full")
    try:
        agrees = main(parser.parse_args().scale, root=Path())
    except ValueError as error:
        sys.exit(f"verify: {error}")
    sys.exit(0 if agrees else 1)
