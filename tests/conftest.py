"""Shared by all tests."""

import os

# Before anything imports them: no test may reach a network, and tokenizers must not fork-warn.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Two threads that contend for busy cores spin longer than they work.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch

NO_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU")


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=NO_GPU)])
def device(request: pytest.FixtureRequest) -> torch.device:
    """Every device there is, one after the other."""
    return torch.device(request.param)
