"""Memory that is kept: one for all, never for two at once, and gone with the last user."""

import copy
import gc
import pickle
import threading

import torch

from superposition.saes import scratch


def address(shape: tuple[int, ...], dtype: torch.dtype) -> int:
    with scratch.shared().tensor(shape, dtype) as found:
        assert found.shape == shape
        assert found.dtype == dtype
        return found.data_ptr()


def test_memory_is_reused_and_grows() -> None:
    kept = scratch.shared()
    assert scratch.shared() is kept
    large = address((300, 500), torch.float32)
    assert address((300, 500), torch.float32) == large
    assert address((7, 3), torch.bfloat16) == large
    assert address((0, 3), torch.float32) == 0
    address((301, 500), torch.float32)
    assert len(kept._bytes) == 301 * 500 * 4


def test_it_lies_in_memory_as_what_it_is_like() -> None:
    kept, matrix = scratch.shared(), torch.ones(5, 7)
    for each in (matrix, matrix.mT, matrix[0], torch.ones(2, 5, 7).mT):
        with kept.like(each) as found:
            assert found.shape == each.shape
            assert found.stride() == each.stride()


def test_it_goes_with_its_last_user() -> None:
    gc.collect()
    assert not scratch._in_use
    first = scratch.shared()
    second = scratch.shared()
    del first
    assert list(scratch._in_use) == [second]
    del second
    gc.collect()
    assert not scratch._in_use


def test_a_copy_is_one_more_user() -> None:
    kept = scratch.shared()
    assert copy.deepcopy(kept) is kept
    assert pickle.loads(pickle.dumps(kept)) is kept


def test_who_asks_meanwhile_gets_other_memory() -> None:
    kept, addresses = scratch.shared(), []

    def ask() -> None:
        with kept.tensor((4,), torch.float32) as other:
            addresses.append(other.data_ptr())

    with kept.tensor((4,), torch.float32) as mine:
        addresses.append(mine.data_ptr())
        other = threading.Thread(target=ask)
        other.start()
        other.join()
    assert len(set(addresses)) == 2
    ask()
    assert addresses[2] == addresses[0]
