"""A stream of tokens cut into windows: what a transformer sees at a time."""

import sys
from collections.abc import Iterator

import torch
from jaxtyping import Int
from torch import Tensor


def training_windows(
    tokens: Int[Tensor, " n"], *, n_ctx: int, batch_size: int, seed: int, start: int = 0
) -> Iterator[Int[Tensor, "{batch_size} {n_ctx}+1"]]:
    """Batches of windows without end, from the batch numbered `start` on.

    Each epoch cuts the stream at another offset and shuffles the windows, as a function of the
    seed and the epoch alone. A window overlaps the next in one token, which is the last to be
    predicted there and the first to predict from here.
    """
    n_windows = (len(tokens) - n_ctx) // n_ctx  # at every offset below n_ctx
    if n_windows < batch_size:
        raise ValueError(
            f"batch_size={batch_size} exceeds the {max(n_windows, 0)} windows of n_ctx={n_ctx} "
            f"in {len(tokens)} training tokens"
        )
    per_epoch = n_windows // batch_size
    for epoch in range(start // per_epoch, sys.maxsize):
        generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        offset = int(torch.randint(n_ctx, (), generator=generator))
        windows = tokens[offset:].unfold(0, n_ctx + 1, n_ctx)
        order = torch.randperm(n_windows, generator=generator).to(tokens.device)
        first = start - epoch * per_epoch if epoch == start // per_epoch else 0
        for i in range(first, per_epoch):
            yield windows[order[i * batch_size : (i + 1) * batch_size]]


def spread_windows(
    tokens: Int[Tensor, " n"], *, n_ctx: int, n_windows: int
) -> Int[Tensor, "window {n_ctx}+1"]:
    """At most `n_windows` windows at even distances over the whole stream.

    If these are all windows, each token but the first is predicted in exactly one of them; a
    remainder shorter than n_ctx is left out.
    """
    windows = tokens.unfold(0, n_ctx + 1, n_ctx) if len(tokens) > n_ctx else tokens[:0]
    if len(windows) == 0:
        raise ValueError(f"{len(tokens)} tokens are too few for one window of n_ctx={n_ctx}")
    n_windows = min(len(windows), n_windows)
    return windows[torch.arange(n_windows) * len(windows) // n_windows]


def window_at(tokens: Int[Tensor, " n"], position: int, *, n_ctx: int) -> Int[Tensor, " {n_ctx}"]:
    """The window in which the token at `position` was read.

    It stands at index `position % n_ctx` there.

    >>> window_at(torch.arange(100, 120), 6, n_ctx=4)
    tensor([104, 105, 106, 107])
    """
    first = position - position % n_ctx
    return tokens[first : first + n_ctx]
