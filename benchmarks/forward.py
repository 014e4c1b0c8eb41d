"""The peers' forward passes on given weights: does an autoencoder mean the same to everyone?"""

from typing import Any

import torch
from dictionary_learning.dictionary import AutoEncoder, GatedAutoEncoder, JumpReluAutoEncoder
from dictionary_learning.trainers.batch_top_k import BatchTopKSAE
from dictionary_learning.trainers.top_k import AutoEncoderTopK
from sae_lens import (
    GatedSAE,
    GatedSAEConfig,
    JumpReLUSAE,
    JumpReLUSAEConfig,
    StandardSAE,
    StandardSAEConfig,
    TopKSAE,
    TopKSAEConfig,
)
from safetensors.torch import load_file, save_file
from sparsify import SparseCoder, SparseCoderConfig
from torch import Tensor, nn

Tensors = dict[str, Tensor]
SAE_LENS = {
    "l1": (StandardSAE, StandardSAEConfig),
    "gated": (GatedSAE, GatedSAEConfig),
    "jumprelu": (JumpReLUSAE, JumpReLUSAEConfig),
    "batch_topk": (JumpReLUSAE, JumpReLUSAEConfig),  # as SAELens itself saves BatchTopK
    "topk": (TopKSAE, TopKSAEConfig),
}


@torch.no_grad()
def forward(question: dict[str, Any]) -> dict[str, Any]:
    """Write every peer's x_hat for the x and the weights in `question["tensors"]`."""
    given, arch, k = load_file(question["tensors"]), question["arch"], question["k"]
    x = given.pop("x")
    made = {"SAELens": _sae_lens(arch, given, k)(x)}
    made["dictionary_learning"] = _dictionary_learning(arch, given, k)(x)
    if arch == "topk":
        made["sparsify"] = _sparsify(given, k)(x).sae_out
    save_file({name: each.contiguous() for name, each in made.items()}, question["results"])
    return {"peers": [*made]}


def _sae_lens(arch: str, weights: Tensors, k: int) -> nn.Module:
    d_in, d_sae = weights["W_enc"].shape
    make, config = SAE_LENS[arch]
    extra = {"k": k} if arch == "topk" else {}
    sae, state = make(config(d_in=d_in, d_sae=d_sae, **extra)), dict(weights)
    if arch == "gated":
        state["b_gate"] = state.pop("b_enc")
    sae.load_state_dict(state)
    return sae


def _dictionary_learning(arch: str, weights: Tensors, k: int) -> nn.Module:
    d_in, d_sae = weights["W_enc"].shape
    linear = {"encoder.weight": weights["W_enc"].mT, "decoder.weight": weights["W_dec"].mT}
    if arch == "jumprelu":  # it does not subtract b_dec from its input
        b_enc = weights["b_enc"] - weights["b_dec"] @ weights["W_enc"]
        return _loaded(JumpReluAutoEncoder(d_in, d_sae), weights | {"b_enc": b_enc})
    if arch == "gated":
        biases = {"decoder_bias": "b_dec", "gate_bias": "b_enc", "mag_bias": "b_mag"}
        state = {theirs: weights[name] for theirs, name in biases.items()}
        return _loaded(GatedAutoEncoder(d_in, d_sae), linear | state | {"r_mag": weights["r_mag"]})
    linear |= {"encoder.bias": weights["b_enc"]}
    if arch == "l1":
        return _loaded(AutoEncoder(d_in, d_sae), linear | {"bias": weights["b_dec"]})
    make = AutoEncoderTopK if arch == "topk" else BatchTopKSAE
    threshold = weights["threshold"][0] if arch == "batch_topk" else torch.tensor(-1.0)
    selection = {"k": torch.tensor(k, dtype=torch.int), "threshold": threshold}
    return _loaded(make(d_in, d_sae, k), linear | selection | {"b_dec": weights["b_dec"]})


def _sparsify(weights: Tensors, k: int) -> nn.Module:
    d_in, d_sae = weights["W_enc"].shape
    coder = SparseCoder(d_in, SparseCoderConfig(num_latents=d_sae, k=k))
    encoder = {"encoder.weight": weights["W_enc"].mT, "encoder.bias": weights["b_enc"]}
    return _loaded(coder, encoder | {name: weights[name] for name in ("W_dec", "b_dec")})


def _loaded(module: nn.Module, state: Tensors) -> nn.Module:
    module.load_state_dict(state)
    return module
