"""The processes that take turns: started, asked and stopped from here."""

import json
import os
import subprocess
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from superposition.benchmarks.stream import Case

Answer = dict[str, Any]
ENVIRONMENT = {
    "GOMP_SPINCOUNT": "2000",  # the same patience for everyone: see superposition/__init__.py
    "HF_HUB_OFFLINE": "1",
    "WANDB_MODE": "disabled",
}
"""What every process is given beside its threads."""
PEERS_VARIABLE = "SUPERPOSITION_PEERS"
"""Environment variable with the peers' interpreter, if it is not in .venv-peers."""


class WorkerError(RuntimeError):
    """A process that could not do what it was asked; the message is its own."""


@dataclass(frozen=True, kw_only=True)
class Seat:
    """Where a contender runs."""

    name: str
    """The contender, as the tables call it."""
    command: tuple[str, ...]
    """The process that answers for it."""


class Process:
    """A worker in an interpreter of its own; a context, so that it ends with the benchmark."""

    def __init__(self, seat: Seat, *, root: Path, n_threads: int, device: str = "cpu") -> None:
        """Start it: the package under `root`/src on its path, `n_threads` for its products."""
        self.name = seat.name
        self._process = subprocess.Popen(
            seat.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=root,
            env=os.environ | environment(root, n_threads=n_threads, device=device),
        )

    def __enter__(self) -> "Process":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def ask(self, do: str, *, case: Case | None = None, **details: Any) -> Answer:
        """What the worker answers; its error is raised here."""
        question = {"do": do} | details | ({} if case is None else {"case": asdict(case)})
        answer = json.loads(self._reply(json.dumps(question)))
        if "error" in answer:
            raise WorkerError(f"{self.name}: {answer['error']}")
        return answer

    def _reply(self, question: str) -> str:
        """The next line that is an answer: libraries print as they are loaded."""
        assert self._process.stdin is not None, "opened with pipes"
        assert self._process.stdout is not None, "opened with pipes"
        with suppress(BrokenPipeError):
            self._process.stdin.write(question + "\n")
            self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("{"):
                return line
        raise WorkerError(f"{self.name} ended with code {self._process.wait()}")


def environment(root: Path, *, n_threads: int, device: str) -> dict[str, str]:
    """What a process is told: threads, where our package is, and how to do without a GPU."""
    known = [str(root.resolve() / "src"), os.environ.get("PYTHONPATH", "")]
    found = {"OMP_NUM_THREADS": str(n_threads), "MKL_NUM_THREADS": str(n_threads)}
    found["PYTHONPATH"] = os.pathsep.join(path for path in known if path)
    if device == "cpu":
        found["SPARSIFY_DISABLE_TRITON"] = "1"  # its decoder for the CPU
    return ENVIRONMENT | found


def peers_python(root: Path) -> Path | None:
    """The interpreter in which the peers are installed, if there is one."""
    chosen = os.environ.get(PEERS_VARIABLE)
    path = Path(chosen) if chosen else root / ".venv-peers" / "bin" / "python"
    return path if path.exists() else None
