"""Work on several cores at once, without the waiting that many small operations make.

A product of small matrices split over cores spends its time on waiting for the slower core, many
times longer when another program holds that core. So each group of models has a core to itself, and
every product stays there. It is a core of another process: threads of one interpreter would wait
for one another between any two operations, and take 2.5 times as long for the smallest models.
"""

import ctypes
import multiprocessing
import pickle
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event as SharedEvent
from threading import Event
from typing import Any, NamedTuple, TypeAlias, TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

Stop: TypeAlias = Event | SharedEvent
"""Set when a result will not be needed: another group failed."""


_DIE_WITH_PARENT = 1
"""Linux's PR_SET_PDEATHSIG."""


class Outcome(NamedTuple):
    """What became of an item."""

    result: Any
    error: Exception | None
    """What it raised, unless it was stopped for another's error."""


def balanced_groups(costs: Sequence[float], n_groups: int) -> list[list[int]]:
    """Indices into `costs` in at most `n_groups` groups of about equal total, largest cost first.

    >>> balanced_groups([1.0, 5.0, 2.0, 3.0], 2)
    [[1, 0], [3, 2]]
    """
    groups: list[list[int]] = [[] for _ in range(min(n_groups, len(costs)))]
    for index in sorted(range(len(costs)), key=lambda i: -costs[i]):
        lightest = min(groups, key=lambda group: sum(costs[i] for i in group))
        lightest.append(index)
    return groups


def side_by_side(function: Callable[[Item, Stop], Result], items: Sequence[Item]) -> list[Result]:
    """`function(item, stop)` of every item, on one core each: the first here, the rest in forks.

    When one of them fails, `stop` is set: the others should return. Results of forks are pickled.
    Where a process cannot be forked, the rest is in threads.
    """
    run = _in_forks if can_fork() else _in_threads
    with _restoring_threads():
        torch.set_num_threads(1)
        outcomes = run(function, items)
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
    return [outcome.result for outcome in outcomes]


def can_fork() -> bool:
    """Whether a copy of this process can compute: not beside a GPU, and not with Apple's BLAS."""
    return sys.platform == "linux" and not torch.cuda.is_available()


def _in_threads(function: Callable[[Item, Stop], Result], items: Sequence[Item]) -> list[Outcome]:
    stop = Event()

    def attempt(item: Item) -> Outcome:
        torch.set_num_threads(1)
        return _attempt(function, item, stop)

    with ThreadPoolExecutor(len(items)) as pool:
        try:
            return list(pool.map(attempt, items))
        finally:
            stop.set()


def _in_forks(function: Callable[[Item, Stop], Result], items: Sequence[Item]) -> list[Outcome]:
    processes = multiprocessing.get_context("fork")
    stop = processes.Event()
    started: list[tuple[BaseProcess, Connection]] = []
    try:
        for item in items[1:]:
            receiver, sender = processes.Pipe(duplex=False)
            process = processes.Process(target=_send, args=(function, item, stop, sender))
            _start(process)
            sender.close()
            started.append((process, receiver))
        first = _attempt(function, items[0], stop)
        if first.error is not None:
            return [first]
        return [first, *(_received(*each) for each in started)]
    finally:
        for process, receiver in started:
            process.kill()
            process.join()
            receiver.close()


def _start(process: BaseProcess) -> None:
    with warnings.catch_warnings():
        # Python 3.12 warns of threads in this process. Those of torch wait for work and hold no
        # lock, and the fork, on one core, has no need of them.
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()


def _send(function: Callable[[Any, Stop], Any], item: Any, stop: Stop, sender: Connection) -> None:
    """In a fork: send what became of an item."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that forked ends this one
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)  # even where it is killed itself
    outcome = _attempt(function, item, stop)
    if outcome.error is not None:
        outcome.error.add_note("".join(traceback.format_exception(outcome.error)))
    sender.send_bytes(pickle.dumps(outcome))  # whole: `send` leaves tensors in this process


def _attempt(function: Callable[[Item, Stop], Result], item: Item, stop: Stop) -> Outcome:
    try:
        return Outcome(function(item, stop), None)
    except Exception as error:
        stopped = stop.is_set()
        stop.set()
        return Outcome(None, None if stopped else error)


def _received(process: BaseProcess, receiver: Connection) -> Outcome:
    try:
        return pickle.loads(receiver.recv_bytes())
    except EOFError:
        process.join()
        message = f"a process for some of the models ended with code {process.exitcode}"
        return Outcome(None, RuntimeError(message))


@contextmanager
def _restoring_threads() -> Iterator[None]:
    """Undo what the threads set: torch keeps the last setting for threads to come."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)
