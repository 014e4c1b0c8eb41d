"""For the tests of toy models."""

from collections.abc import Iterator, Sequence

import pandas as pd
import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Products this small gain nothing from a second thread, and wait for it on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def instances_of(n_models: dict[float, int], *, lost: Sequence[int] = ()) -> pd.DataFrame:
    """What toy/instances says of so many models at each density; the `lost` ones diverged."""
    rows = [(seed, p) for p, n in n_models.items() for seed in range(n)]
    table = pd.DataFrame(rows, columns=["seed", "feature_probability"])
    table = table.rename_axis("instance").reset_index()
    return table.assign(diverged=[index in lost for index in table["instance"]], n_represented=5)
