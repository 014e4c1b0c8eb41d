"""Groups of about equal cost, each in a thread of its own."""

from threading import Event

import pytest
import torch

from superposition.toy.parallel import balanced_groups, in_threads


def test_groups_have_every_index_once_and_about_the_same_cost():
    costs = [1.0, 0.9, 0.7, 0.4, 0.2, 0.1, 0.1]
    groups = balanced_groups(costs, 3)
    assert sorted(index for group in groups for index in group) == list(range(7))
    totals = [sum(costs[i] for i in group) for group in groups]
    assert max(totals) - min(totals) < 0.3


def test_there_are_no_more_groups_than_things():
    assert balanced_groups([1.0, 2.0], 8) == [[1], [0]]


def test_results_keep_the_order_of_the_items_and_each_thread_uses_one_core():
    torch.set_num_threads(2)
    results = in_threads(lambda item, stop: (item, torch.get_num_threads()), ["b", "a", "c"])
    assert results == [("b", 1), ("a", 1), ("c", 1)]
    assert torch.get_num_threads() == 2


def test_a_failure_stops_the_others_and_is_raised():
    def fail_or_wait(item: str, stop: Event) -> bool:
        if item == "fails":
            raise ValueError("lost")
        return stop.wait(timeout=60)

    with pytest.raises(ValueError, match="lost"):
        in_threads(fail_or_wait, ["waits", "fails"])
