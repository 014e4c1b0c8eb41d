"""A learning rate that a replayed step can read: it lies on the GPU, as Adam's moments do."""

from typing import Any

import torch
from torch import Tensor


def options(lr: float, device: torch.device) -> dict[str, Any]:
    """What Adam is made with: fused, and on a GPU ready to be recorded, its rate a tensor there."""
    on_gpu = device.type == "cuda"
    rate = torch.tensor(lr, device=device) if on_gpu else lr
    return {"lr": rate, "fused": True, "capturable": on_gpu}


def set_(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Change the learning rate of all parameters, in its place if it lies on a GPU."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(lr)
        else:
            group["lr"] = lr


def move_(optimizer: torch.optim.Optimizer, device: torch.device) -> None:
    """Bring what a checkpoint says, perhaps one of another device, to that of the parameters."""
    for group in optimizer.param_groups:
        group.update(options(float(group["lr"]), device))
