"""The peers' metrics, by their own functions, on tensors and losses that are given.

What surrounds a metric there - a language model, a stream of text - is stood in for; the lines that
compute are theirs.
"""

from types import SimpleNamespace
from typing import Any

import torch
from dictionary_learning import evaluation
from dictionary_learning.buffer import ActivationBuffer
from sae_lens import evals
from sae_lens.training.activation_scaler import ActivationScaler
from safetensors.torch import load_file
from sparsify import SparseCoder, SparseCoderConfig
from torch import Tensor

Answer = dict[str, Any]

HOOK = "blocks.0.mlp.hook_post"


def metrics(question: Answer) -> Answer:
    """Every peer's metrics of the tensors in the file `question["tensors"]`.

    Axis 0 is the batch that an evaluation sees at a time: x and x_hat "batch seq d_in", acts "batch
    seq d_sae", and the losses clean, sae, ablated "batch seq", per token.
    """
    given = load_file(question["tensors"])
    return {
        "SAELens": _sae_lens(given),
        "dictionary_learning": _dictionary_learning(given),
        "sparsify": {"explained_variance": _sparsify(given)},
    }


class _Batches:
    """Stands in for SAELens' model, autoencoder and stream: the batch in turn of what is given."""

    def __init__(self, given: dict[str, Tensor]) -> None:
        self.given, self.turn, self.device = given, -1, torch.device("cpu")
        metadata = SimpleNamespace(hook_name=HOOK, hook_head_index=None)
        self.cfg = SimpleNamespace(metadata=metadata, d_sae=given["acts"].shape[-1])

    def _now(self, name: str) -> Tensor:
        return self.given[name][self.turn].unsqueeze(0)

    def get_batch_tokens(self, n: int) -> Tensor:
        self.turn, self.passes = self.turn + 1, iter(("sae", "ablated"))
        return torch.zeros(1, self.given["x"].shape[1], dtype=torch.long)

    def run_with_cache(self, tokens: Tensor, **_: Any) -> tuple[None, dict[str, Tensor]]:
        return None, {HOOK: self._now("x")}

    def encode(self, x: Tensor) -> Tensor:
        return self._now("acts")

    def decode(self, acts: Tensor) -> Tensor:
        return self._now("x_hat")

    def __call__(self, tokens: Tensor, **_: Any) -> tuple[Tensor, Tensor]:
        return tokens.float(), self._now("clean")

    def run_with_hooks(self, tokens: Tensor, **_: Any) -> tuple[Tensor, Tensor]:
        return tokens.float(), self._now(next(self.passes))


def _sae_lens(given: dict[str, Tensor]) -> Answer:
    n_batches, stand_in = len(given["x"]), _Batches(given)
    found, by_latent = evals.get_sparsity_and_variance_metrics(
        stand_in,
        stand_in,
        stand_in,
        ActivationScaler(),
        n_batches=n_batches,
        compute_l2_norms=False,
        compute_sparsity_metrics=True,
        compute_variance_metrics=True,
        compute_featurewise_density_statistics=True,
        eval_batch_size_prompts=1,
        model_kwargs={},
    )
    stand_in = _Batches(given)
    downstream = evals.get_downstream_reconstruction_metrics(
        stand_in,
        stand_in,
        stand_in,
        ActivationScaler(),
        compute_kl=False,
        compute_ce_loss=True,
        n_batches=n_batches,
        eval_batch_size_prompts=1,
    )
    return {
        "l0": found["l0"],
        "mse": found["mse"],
        "explained_variance": found["explained_variance"],
        "explained_variance_legacy": found["explained_variance_legacy"],
        "feature_density": by_latent["feature_density"],
        "loss_recovered": downstream["ce_loss_score"],
    }


class _Buffer(ActivationBuffer):
    """Stands in for dictionary_learning's buffer, so that `evaluate` asks for the losses, too."""

    def __init__(self, given: dict[str, Tensor]) -> None:
        self.x, self.model, self.submodule = iter(given["x"]), None, None

    def __next__(self) -> Tensor:
        return next(self.x)

    def text_batch(self, batch_size: int | None = None) -> None:
        return None


class _Dictionary:
    """Stands in for dictionary_learning's autoencoder."""

    def __init__(self, given: dict[str, Tensor]) -> None:
        self.made = iter(zip(given["x_hat"], given["acts"], strict=True))
        self.dict_size, self.activation_dim = given["acts"].shape[-1], given["x"].shape[-1]

    def __call__(self, x: Tensor, output_features: bool) -> tuple[Tensor, Tensor]:
        return next(self.made)


def _dictionary_learning(given: dict[str, Tensor]) -> Answer:
    names = ("clean", "sae", "ablated")
    losses = iter([tuple(given[name][i].mean() for name in names) for i in range(len(given["x"]))])
    asked = evaluation.loss_recovered
    evaluation.loss_recovered = lambda *_, **__: next(losses)
    try:
        found = evaluation.evaluate(_Dictionary(given), _Buffer(given), n_batches=len(given["x"]))
    finally:
        evaluation.loss_recovered = asked
    return {
        "l0": found["l0"],
        "explained_variance": found["frac_variance_explained"],
        "alive_fraction": found["frac_alive"],
        "loss_recovered": found["frac_recovered"],
    }


class _GivenCoder(SparseCoder):
    """Stands in for sparsify's encoder and decoder; its forward pass computes the FVU itself."""

    def __init__(self, x_hat: Tensor) -> None:
        super().__init__(x_hat.shape[-1], SparseCoderConfig(num_latents=1, k=1))
        self.x_hat = x_hat

    def encode(self, x: Tensor) -> tuple[None, None, None]:
        return None, None, None

    def decode(self, top_acts: None, top_indices: None) -> Tensor:
        return self.x_hat


def _sparsify(given: dict[str, Tensor]) -> float:
    """1 - FVU, a mean over batches as its trainer logs it."""
    pairs = zip(given["x"], given["x_hat"], strict=True)
    fvus = [float(_GivenCoder(x_hat)(x).fvu) for x, x_hat in pairs]
    return 1 - sum(fvus) / len(fvus)
