"""Causal attention with the parameters of TransformerLens' native model."""

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn


class Attention(nn.Module):
    """Multi-head attention in which a position sees itself and those before it."""

    def __init__(self, *, d_model: int, n_heads: int, d_head: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.q, self.k, self.v = (nn.Linear(d_model, n_heads * d_head) for _ in range(3))
        self.o = nn.Linear(n_heads * d_head, d_model)

    def forward(self, x: Float[Tensor, "batch seq d_model"]) -> Float[Tensor, "batch seq d_model"]:
        """What the heads write into the residual stream."""
        # One product instead of three: at this size, the calls are the cost.
        weight = torch.cat([self.q.weight, self.k.weight, self.v.weight])
        bias = torch.cat([self.q.bias, self.k.bias, self.v.bias])
        pattern = "batch seq (qkv head d_head) -> qkv batch head seq d_head"
        q, k, v = rearrange(F.linear(x, weight, bias), pattern, qkv=3, head=self.n_heads)
        return self.o(
            rearrange(attend(q, k, v), "batch head seq d_head -> batch seq (head d_head)")
        )


def attend(
    q: Float[Tensor, "batch head seq d_head"],
    k: Float[Tensor, "batch head seq d_head"],
    v: Float[Tensor, "batch head seq d_head"],
) -> Float[Tensor, "batch head seq d_head"]:
    """softmax(q k^T / sqrt(d_head)) v, over the positions up to one's own."""
    if q.device.type != "cpu" or q.dtype != torch.bfloat16:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    # torch's fused kernel is four times slower than this on the way back, for bfloat16 on a CPU.
    mask = torch.full((q.shape[2], q.shape[2]), -math.inf, dtype=q.dtype).triu(1)
    with torch.autocast("cpu", enabled=False):  # it would take the softmax to float32 and back
        scores = torch.baddbmm(mask, q.flatten(0, 1) * q.shape[-1] ** -0.5, k.flatten(0, 1).mT)
        return (scores.softmax(-1) @ v.flatten(0, 1)).view(v.shape)
