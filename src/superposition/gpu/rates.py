"""A learning rate that a replayed step can read: it lies on the GPU, as Adam's moments do."""

import torch
from torch import Tensor


def readable(lr: float, device: torch.device) -> Tensor | float:
    """The learning rate to make an optimiser with: a tensor on a GPU, the number elsewhere."""
    return torch.tensor(lr, device=device) if device.type == "cuda" else lr


def set_(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Change the learning rate of all parameters, in its place if it lies on a GPU."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(lr)
        else:
            group["lr"] = lr


def move_(optimizer: torch.optim.Optimizer, device: torch.device) -> None:
    """Bring a learning rate from a checkpoint to the device of the parameters."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"] = group["lr"].to(device)
