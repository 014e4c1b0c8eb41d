"""What a machine does not have, said in words: units for bfloat16, memory."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import torch

from superposition.core.compute import matmul_dtype
from superposition.saes import distributed
from superposition.saes.base import SaeConfig

LOG = logging.getLogger(__name__)
BYTES = 4
"""Of a number in float32."""
COPIES = 4
"""Of weights: themselves, their gradient and Adam's two moments."""
_CPU_MESSAGE = "can't allocate memory"
"""What torch says when the CPU's allocator fails; the error has no class of its own."""


@cache
def say_fallback(dtype: torch.dtype, device: torch.device) -> None:
    """Say once if inputs in bfloat16 meet a processor without units for it."""
    if not distributed.is_first():
        return
    if dtype == torch.bfloat16 and matmul_dtype(device) == torch.float32:
        LOG.warning("no units for bfloat16 on %s: products are made in float32", device)


@contextmanager
def explained(configs: Sequence[SaeConfig], d_in: int) -> Iterator[None]:
    """Turn an error of memory into one that says which number to lower."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        is_memory = isinstance(error, torch.OutOfMemoryError | MemoryError)
        if not (is_memory or _CPU_MESSAGE in str(error)):
            raise
        raise ValueError(advice(configs, d_in)) from None


def advice(configs: Sequence[SaeConfig], d_in: int) -> str:
    """Which of the numbers that a training's memory grows with to lower first.

    Weights take 4 x 2 d_in d_sae numbers, pre-activations batch_size x d_sae at least.
    """
    batch_size, d_sae = configs[0].training.batch_size, max(config.d_sae for config in configs)
    weights = sum(COPIES * 2 * d_in * config.d_sae * BYTES for config in configs)
    batch = batch_size * d_sae * BYTES
    sizes = f"weights and moments take {weights / 1e9:.3g} GB, pre-activations {batch / 1e9:.3g} GB"
    if batch > weights:
        lower = f"batch_size={batch_size}"
    elif len(configs) > 1:
        lower = f"the number of autoencoders trained together ({len(configs)}) or d_sae={d_sae}"
    else:
        lower = f"d_sae={d_sae}"
    return f"out of memory: {sizes}; lower {lower}"
