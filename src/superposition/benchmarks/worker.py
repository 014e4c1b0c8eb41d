"""Our side of the benchmark, in a process of its own.   python -m superposition.benchmarks.worker X

Started by the benchmark for one of `ours.CONTENDERS`; answers as `serve` says.
"""

import argparse

from superposition.benchmarks import ours
from superposition.benchmarks.serve import Worker, serve

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m superposition.benchmarks.worker")
    parser.add_argument("contender", choices=ours.CONTENDERS)
    serve(Worker(ours.CONTENDERS[parser.parse_args().contender]))
