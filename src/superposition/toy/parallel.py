"""Work on several cores at once, without the waiting that many small products make.

A product of small matrices split over cores spends its time on waiting for the slower core, many
times longer when another program holds that core. So each group of models has a thread to itself,
and every product stays within its thread.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from threading import Event
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


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


def in_threads(function: Callable[[Item, Event], Result], items: Sequence[Item]) -> list[Result]:
    """`function(item, stop)` of every item, each in a thread of its own that uses one core.

    When one of them fails, or the run is interrupted, `stop` is set: the others should return.
    """
    stop = Event()
    with _restoring_threads(), ThreadPoolExecutor(len(items)) as pool:
        try:
            futures = [pool.submit(_on_one_core, function, item, stop) for item in items]
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
            return [future.result() for future in futures]
        finally:
            stop.set()


def _on_one_core(function: Callable[[Item, Event], Result], item: Item, stop: Event) -> Result:
    torch.set_num_threads(1)
    return function(item, stop)


@contextmanager
def _restoring_threads() -> Iterator[None]:
    """Undo what the threads set: torch keeps the last setting for threads to come."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)
