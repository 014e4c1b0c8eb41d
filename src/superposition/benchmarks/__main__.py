"""Measure speed against the plain way and the peers.   python -m superposition.benchmarks [WHAT]

toy            the toy models of a row, by the notebooks' plain loop and by ours
autoencoders   training steps: ours, the plain dense one, the peers', and the limits
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch

from superposition.benchmarks import autoencoders, machine, plan, record, report, toy
from superposition.benchmarks.autoencoders import PEERS
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
    parser.add_argument("--device", help="cpu, cuda; default: of params.yaml for the toy models")
    parser.add_argument("--archs", nargs="+", help=f"of {', '.join(plan.ARCHITECTURES)}")
    parser.add_argument("--widths", type=int, nargs="+", help="d_sae of the autoencoders")
    parser.add_argument("--rounds", type=int, help="turns of every contender")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that it works")
    parser.add_argument("--out", type=Path, help="default: data/bench.json, or of its kind")
    given = parser.parse_args(arguments)
    unknown = set(given.what) - {"toy", "autoencoders"}
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; have: toy, autoencoders")
    device = compute.device(given.device or "cpu")
    if "toy" in given.what:  # toys have no use for bfloat16
        out = given.out or (record.GPU_PATH if device.type == "cuda" else record.PATH)
        _toy(given.rows, given.steps, given.device, out)
    if "autoencoders" in given.what:
        _autoencoders(_plan(given), given.out or record.path_for(device))


def _plan(given: argparse.Namespace) -> plan.Plan:
    """The plan for the device, with what the command line changes."""
    device = str(compute.device(given.device or "cpu"))
    found = plan.plan_for(device, quick=given.quick)
    if not given.quick:
        found = replace(found, n_threads=torch.get_num_threads())
    if given.archs:
        found = replace(found, archs=tuple(given.archs))
    if given.widths:
        found = replace(found, widths=tuple(given.widths))
    if given.rounds:
        found = replace(
            found, rounds=given.rounds, wide_rounds=min(found.wide_rounds, given.rounds)
        )
    return found


def _toy(rows: Sequence[str], n_steps: int, name: str | None, out: Path) -> None:
    params, found = Params.read(), []
    device = compute.device(name or params.tree["device"])
    for row in rows:
        config = params.load(ToyConfig, "toy", row)
        print(f"toy.{row} on {device}, {torch.get_num_threads()} threads")
        compared = toy.compare(config, device=device, progress=compute.progress, n_steps=n_steps)
        print(toy.report(compared))
        found.append({"row": row} | toy.numbers(compared))
    record.save({"toy": found}, out)


def _autoencoders(chosen: plan.Plan, out: Path) -> None:
    """Measure; after every case, what is known so far is printed and on record."""
    root, python = Path(), peers_python(Path())
    missing = [] if python else [f"{name}: not installed; `make peers`" for name in PEERS]
    about: record.Sections = {"machine": machine.describe(torch.device(chosen.device))}
    about["plan"] = asdict(chosen)
    began = time.monotonic()

    def keep(found: record.Sections, new: list[record.Sections]) -> None:
        record.save(about | found | {"left_out": [*found["left_out"], *missing]}, out)
        if new:
            print(f"after {time.monotonic() - began:.0f} s", flush=True)
            print(report.steps(new), flush=True)

    found = autoencoders.measure(
        chosen,
        autoencoders.seats(root, python),
        root=root,
        progress=compute.progress,
        keep=keep,
        product_rate=about["machine"].get("bfloat16_flop_per_second"),
    )
    print(report.table(found | {"left_out": [*found["left_out"], *missing]}), flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except ValueError as error:
        sys.exit(f"bench: {error}")
