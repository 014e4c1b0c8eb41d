"""Measure speed against the plain way and the peers.   python -m superposition.benchmarks [WHAT]

toy            the toy models of a row, by the notebooks' plain loop and by ours
autoencoders   training steps: ours, the plain dense one, the peers', and the limits
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch

from superposition.benchmarks import autoencoders, machine, record, report, toy
from superposition.benchmarks.client import peers_python
from superposition.core import compute
from superposition.core.params import Params
from superposition.toy.config import ToyConfig

ROWS = ("eighty-in-twenty",)
"""Rows of the section toy whose training is compared."""


def main(arguments: Sequence[str]) -> None:
    """Measure what is asked for, print it, and put it on record."""
    parser = argparse.ArgumentParser(prog="python -m superposition.benchmarks")
    parser.add_argument("what", nargs="*", default=["toy", "autoencoders"])
    parser.add_argument("--rows", nargs="+", default=ROWS, help="rows of the section toy")
    parser.add_argument("--steps", type=int, default=10_000, help="of the plain toy loop")
    parser.add_argument("--widths", type=int, nargs="+", help="d_sae of the autoencoders")
    parser.add_argument("--rounds", type=int, help="turns of every contender")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that it works")
    parser.add_argument("--out", type=Path, default=record.PATH)
    given = parser.parse_args(arguments)
    unknown = set(given.what) - {"toy", "autoencoders"}
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; have: toy, autoencoders")
    if "toy" in given.what:
        _toy(given.rows, given.steps, given.out)
    if "autoencoders" in given.what:
        _autoencoders(_plan(given), given.out)


def _plan(given: argparse.Namespace) -> autoencoders.Plan:
    plan = autoencoders.QUICK if given.quick else autoencoders.Plan()
    if not given.quick:
        plan = replace(plan, n_threads=torch.get_num_threads())
    if given.widths:
        plan = replace(plan, widths=tuple(given.widths))
    return replace(plan, rounds=given.rounds) if given.rounds else plan


def _toy(rows: Sequence[str], n_steps: int, out: Path) -> None:
    params, found = Params.read(), []
    device = compute.device(params.tree["device"])
    for row in rows:
        config = params.load(ToyConfig, "toy", row)
        print(f"toy.{row} on {device}, {torch.get_num_threads()} threads")
        compared = toy.compare(config, device=device, progress=compute.progress, n_steps=n_steps)
        print(toy.report(compared))
        found.append({"row": row} | toy.numbers(compared))
    record.save({"toy": found}, out)


def _autoencoders(plan: autoencoders.Plan, out: Path) -> None:
    root, python = Path(), peers_python(Path())
    found: record.Sections = {"machine": machine.describe(), "plan": asdict(plan)}
    where = autoencoders.seats(root, python)
    found |= autoencoders.measure(plan, where, root=root, progress=compute.progress)
    if python is None:
        missing = [f"{name}: not installed; `make peers`" for name in autoencoders.PEERS]
        found["left_out"] = [*found["left_out"], *missing]
    print(report.table(found))
    record.save(found, out)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except ValueError as error:
        sys.exit(f"bench: {error}")
