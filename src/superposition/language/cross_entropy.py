"""The cross-entropy of an unembedding, without ever holding all its logits.

With 4,096 tokens in the vocabulary the logits are the largest tensor of a small transformer, and
moving them through memory, again and again, is most of its training. Here a few hundred rows of
them are made, used for the loss and for the gradients, and dropped while still in the cache.
"""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

LOGITS_AT_ONCE = {"cpu": 2**21, "cuda": 2**27}
"""Logits held at a time. In bfloat16: 4 MiB, which a processor's cache holds; 256 MiB on a GPU,
where calls are the cost."""


def cross_entropies(
    x: Float[Tensor, "row d_model"],
    W_U: Float[Tensor, "d_model d_vocab"],
    targets: Int[Tensor, " row"],
) -> Float[Tensor, " row"]:
    """-log softmax(x W_U)[target] of each row, in nats."""
    parts = zip(*(tensor.split(_rows(W_U)) for tensor in (x, targets)), strict=True)
    losses = [
        F.cross_entropy((part @ W_U).float(), t.long(), reduction="none") for part, t in parts
    ]
    return torch.cat(losses) if losses else x.new_zeros(0)


def mean_cross_entropy(
    x: Float[Tensor, "row d_model"],
    W_U: Float[Tensor, "d_model d_vocab"],
    targets: Int[Tensor, " row"],
    *,
    dtype: torch.dtype,
) -> Float[Tensor, ""]:
    """The mean of `cross_entropies`, to be trained on: logits and gradients are in `dtype`.

    The gradients of x and W_U are found together with the loss. In bfloat16 a row's loss is off
    by up to 0.004 nats, as often up as down; the gradient of W_U is summed in float32.
    """
    loss: Tensor = _MeanCrossEntropy.apply(x.to(dtype), W_U.to(dtype), targets.long())  # type: ignore[assignment]
    return loss


class _MeanCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, W_U: Tensor, targets: Tensor) -> Tensor:
        rows = _rows(W_U)
        grad_x = torch.empty_like(x)
        grad_W_U = torch.zeros(W_U.shape[::-1], dtype=torch.float32, device=x.device).mT
        loss = torch.zeros((), dtype=torch.float32, device=x.device)
        with torch.autocast(x.device.type, enabled=False):
            for i in range(0, len(x), rows):
                part, t = x[i : i + rows], targets[i : i + rows]
                at_target = (torch.arange(len(t), device=t.device), t)
                probabilities = (part @ W_U).softmax(-1)
                of_target = probabilities[at_target].float()
                loss -= of_target.clamp_min(torch.finfo(torch.float32).tiny).log().sum()
                probabilities[at_target] -= 1.0  # now the gradient of the sum of losses
                torch.mm(probabilities, W_U.mT, out=grad_x[i : i + rows])
                grad_W_U += (probabilities.mT @ part).mT
        ctx.save_for_backward(grad_x.div_(len(x)), grad_W_U.div_(len(x)).to(W_U.dtype))
        return loss / len(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        grad_x, grad_W_U = ctx.saved_tensors
        return grad_x * gradients[0], grad_W_U * gradients[0], None


def _rows(W_U: Tensor) -> int:
    at_once = LOGITS_AT_ONCE.get(W_U.device.type, LOGITS_AT_ONCE["cpu"])
    return max(1, at_once // W_U.shape[1])
