"""One training over several processes: GPUs of a machine, machines of a cluster, or cores.

Every process holds the same autoencoders and reads the same stream, and works on its slice of each
batch. What a step needs of the whole batch is put together here: the gradient, which latents fired,
and the few numbers that do not belong to a single input, like BatchTopK's cut. The result is that
of one process with the same batches, up to rounding.

`torchrun` starts the processes (see `processes`). Without it every function here gives back what it
was given.
"""

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.distributed as dist
from jaxtyping import Float, Int
from torch import Tensor

from superposition.saes.places import places, places_above

BACKENDS = {"cuda": "nccl", "cpu": "gloo"}
"""What carries the messages, by the kind of device."""
BITS = 8
"""Bits of a number that one round of `largest` finds."""


@contextmanager
def processes(device: torch.device) -> Iterator[None]:
    """Work together with the processes that torchrun started, if it did. Only the first goes on.

    The others end with the context: what follows, such as writing artefacts, happens once.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(own_device(device))
    dist.init_process_group(BACKENDS[device.type])
    ends_here = not is_first()
    try:
        yield
    finally:
        dist.destroy_process_group()
    if ends_here:
        raise SystemExit(0)


def own_device(device: torch.device) -> torch.device:
    """The GPU that is this process's own among those of its machine, if torchrun started several.

    What works in threads must be told it: there the current GPU is the first one.
    """
    if device.type != "cuda" or "LOCAL_RANK" not in os.environ:
        return device
    return torch.device("cuda", int(os.environ["LOCAL_RANK"]))


def is_alone() -> bool:
    """Whether there are no other processes."""
    return not (dist.is_available() and dist.is_initialized())


def is_first() -> bool:
    """Whether this process is the one that reports, writes and keeps checkpoints."""
    return is_alone() or dist.get_rank() == 0


def share(x: Float[Tensor, "*instance batch d_in"]) -> Float[Tensor, "*instance some d_in"]:
    """This process's slice of a batch; slices differ by one input where it does not divide."""
    if is_alone():
        return x
    n_processes = dist.get_world_size()
    if x.shape[-2] < n_processes:
        raise ValueError(f"batch_size={x.shape[-2]} is below the number of processes {n_processes}")
    return x.tensor_split(n_processes, dim=-2)[dist.get_rank()]


def mean(value: Float[Tensor, "*instance"], n_inputs: int) -> Float[Tensor, "*instance"]:
    """The mean over the whole batch of what `value` is the mean of over `n_inputs` here.

    Its gradient is that of `value`, because `add_gradients_` weighs what comes from a process.
    """
    if is_alone():
        return value
    of_all = torch.cat(
        [value.detach().double().reshape(-1) * n_inputs, value.new_tensor([n_inputs])]
    )
    dist.all_reduce(of_all)
    of_all = (of_all[:-1] / of_all[-1]).to(value.dtype).view(value.shape)
    return value + (of_all - value).detach()


def smallest(value: Float[Tensor, "*instance"]) -> Float[Tensor, "*instance"]:
    """The smallest of what every process has."""
    if is_alone():
        return value
    found = value.detach().clone()
    dist.all_reduce(found, dist.ReduceOp.MIN)
    return found


def anywhere(is_here: Tensor) -> Tensor:
    """Where any process has true."""
    if is_alone():
        return is_here
    found = is_here.int()
    dist.all_reduce(found, dist.ReduceOp.MAX)
    return found.bool()


def gathered(part: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]:
    """The parts of all processes, put together along the dimension `dim`."""
    if is_alone():
        return part
    counts = _counts(part.shape[dim], part.device)
    shape = [*part.shape]
    shape[dim] = sum(counts)
    whole = torch.zeros(shape, dtype=torch.float32, device=part.device)
    whole.narrow(dim, sum(counts[: dist.get_rank()]), part.shape[dim]).copy_(part.detach())
    dist.all_reduce(whole)
    return whole.to(part.dtype)


def start_alike_(step: int, tensors: Collection[Tensor]) -> None:
    """Give every process the values of the first one, at the same step of the training."""
    if is_alone():
        return
    steps = _counts(step, next(iter(tensors)).device)
    if len(set(steps)) > 1:
        raise ValueError(f"processes found checkpoints of steps {steps}: data/ must be shared")
    for each in tensors:
        with _contiguous(each) as values:
            dist.broadcast(values, src=0)


@torch.no_grad()
def add_gradients_(parameters: Sequence[Tensor], n_inputs: int) -> None:
    """Give every process the gradient of the whole batch, from those of means over slices.

    The gradient of a mean over all inputs is the mean of theirs, weighted by inputs.
    """
    if is_alone():
        return
    weight = n_inputs / sum(_counts(n_inputs, parameters[0].device))
    for each in parameters:
        if each.grad is not None:
            with _contiguous(each.grad) as values:
                dist.all_reduce(values.mul_(weight))


def largest(
    values: Float[Tensor, "batch d_sae"], n: int, low: Float[Tensor, ""] | float
) -> Int[Tensor, " active"]:
    """Ascending flat indices of those here among the largest positive values of all processes.

    As many as the `n` of all processes add up to; of equal values, those of the first processes.
    `low` is below the smallest of them almost surely: it saves looking at all values.

        cut = the largest c with |{v > 0 : v >= c}| >= n

    Exact: positive numbers are ordered as their bits are, which are found a few at a time, from a
    histogram over all processes.
    """
    counts = _counts(n, values.device)
    n_all = sum(counts)
    low = smallest(torch.as_tensor(low, dtype=torch.float32, device=values.device))
    candidates = places_above(values, low)
    if sum(_counts(len(candidates), values.device)) < n_all:
        candidates = places_above(values, 0.0)
    if sum(_counts(len(candidates), values.device)) <= n_all:
        return candidates
    bits = values.flatten()[candidates].float().view(torch.int32)
    cut, n_left = _cut(bits, n_all)
    taken, ties = bits > cut, places(bits == cut)
    before = sum(_counts(len(ties), values.device)[: dist.get_rank()])
    taken[ties[: max(0, n_left - before)]] = True
    return candidates[taken]


def _cut(bits: Int[Tensor, " some"], n: int) -> tuple[int, int]:
    """The n-th largest number over all processes, and how many equal to it are among the n."""
    prefix, n_left = 0, n
    for shift in range(32 - BITS, -1, -BITS):
        digits = (bits >> shift) & (2**BITS - 1)
        same = bits >> shift >> BITS == prefix
        histogram = torch.bincount(digits[same], minlength=2**BITS)
        dist.all_reduce(histogram)
        # How many numbers have at least a digit, from the largest digit down.
        at_least = histogram.flip(0).cumsum(0).tolist()
        rank = next(i for i, count in enumerate(at_least) if count >= n_left)
        n_left -= at_least[rank - 1] if rank else 0
        prefix = prefix << BITS | (2**BITS - 1 - rank)
    return prefix, n_left


def _counts(n: int, device: torch.device) -> Sequence[int]:
    """What `n` is in every process."""
    counts = torch.zeros(dist.get_world_size(), dtype=torch.int64, device=device)
    counts[dist.get_rank()] = n
    dist.all_reduce(counts)
    return counts.tolist()


@contextmanager
def _contiguous(tensor: Tensor) -> Iterator[Tensor]:
    """`tensor` for messages, which need contiguous memory: as it is, transposed, or as a copy."""
    view = tensor.mT if tensor.ndim > 1 and tensor.mT.is_contiguous() else tensor
    values = view.detach().contiguous()
    yield values
    if values.data_ptr() != view.data_ptr():
        view.detach().copy_(values)
