"""The peers' side of the benchmark, in their interpreter.   .venv-peers/bin/python worker.py PEER

Started by superposition.benchmarks and by tests/peers; answers as superposition.benchmarks.serve.
"""

import importlib.metadata
import math
import sys
import time
import warnings
from collections.abc import Callable

import definitions
import forward
import trainers

from superposition.benchmarks.serve import Answer, Contender, Worker, serve
from superposition.benchmarks.stream import Case, batches

PACKAGES = ("sae-lens", "dictionary-learning", "eai-sparsify", "torch", "transformers")
TRIAL_STEPS = 2
"""Steps after the first by which the fastest setting is found."""


def main(peer: str) -> None:
    """Answer for one peer until the input ends."""
    warnings.filterwarnings("ignore")
    extra = {"versions": versions, "metrics": definitions.metrics, "forward": forward.forward}
    serve(Worker(lambda case: fastest(peer, case), extra=extra))


def versions(question: Answer) -> Answer:
    """What is installed here."""
    return {name: importlib.metadata.version(name) for name in PACKAGES}


def fastest(peer: str, case: Case) -> Contender:
    """The peer in that of its settings which takes the least processor time a step."""
    make, settings = trainers.PEERS[peer], trainers.PEERS[peer].settings(case)
    if len(settings) == 1:
        return make(case, settings[0])
    times = {
        setting: _trial(lambda chosen=setting: make(case, chosen), case) for setting in settings
    }
    best = make(case, min(times, key=times.__getitem__))
    broken = [setting for setting, seconds in times.items() if seconds == math.inf]
    best.setting += "".join(f" ({setting}: does not run here)" for setting in broken)
    return best


def _trial(make: Callable[[], Contender], case: Case) -> float:
    """Processor time of a few steps; infinite if the setting does not work on this machine."""
    x, contender = next(batches(case)), make()
    try:
        contender.step(x)
        began = time.process_time()
        for _ in range(TRIAL_STEPS):
            contender.step(x)
    except (NotImplementedError, RuntimeError):
        return math.inf
    return time.process_time() - began


if __name__ == "__main__":
    main(sys.argv[1])
