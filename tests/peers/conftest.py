"""The peers' own code, in their own interpreter: `make peers` installs it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from superposition.benchmarks.autoencoders import seats
from superposition.benchmarks.client import Process, peers_python

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def peers() -> Iterator[Process]:
    """A process that answers with the peers' functions."""
    python = peers_python(ROOT)
    if python is None:
        pytest.skip("the peers are not installed here; `make peers` installs them in .venv-peers")
    seat = next(seat for seat in seats(ROOT, python) if seat.name == "SAELens")
    with Process(seat, root=ROOT, n_threads=1) as process:
        yield process
