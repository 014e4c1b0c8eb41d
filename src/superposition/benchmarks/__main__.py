"""Measure speed against the plain way.   python -m superposition.benchmarks [ROW ...]"""

import argparse
import sys

import torch

from superposition.benchmarks import toy
from superposition.core import compute
from superposition.core.params import Params
from superposition.toy.config import ToyConfig

ROWS = ("eighty-in-twenty",)


def main() -> None:
    """Train the toy models of each row twice and print how long it took."""
    parser = argparse.ArgumentParser(prog="python -m superposition.benchmarks")
    parser.add_argument("rows", nargs="*", default=ROWS, help="rows of the section toy")
    parser.add_argument("--steps", type=int, default=10_000, help="of the plain loop")
    given = parser.parse_args()
    params = Params.read()
    device = compute.device(params.tree["device"])
    for row in given.rows:
        try:
            config = params.load(ToyConfig, "toy", row)
        except ValueError as error:
            sys.exit(f"bench: {error}")
        print(f"toy.{row} on {device}, {torch.get_num_threads()} threads")
        compared = toy.compare(
            config, device=device, progress=compute.progress, n_steps=given.steps
        )
        print(toy.report(compared))


if __name__ == "__main__":
    main()
