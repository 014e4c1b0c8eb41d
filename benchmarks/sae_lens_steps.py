"""SAELens' training step."""

from typing import Any

import torch
from beginning import BFLOAT16, FLOAT32, PENALTY, set_cut
from sae_lens import (
    BatchTopKTrainingSAE,
    BatchTopKTrainingSAEConfig,
    GatedTrainingSAE,
    GatedTrainingSAEConfig,
    JumpReLUTrainingSAE,
    JumpReLUTrainingSAEConfig,
    StandardTrainingSAE,
    StandardTrainingSAEConfig,
    TopKTrainingSAE,
    TopKTrainingSAEConfig,
)
from sae_lens.config import SAETrainerConfig
from sae_lens.training.sae_trainer import SAETrainer
from torch import Tensor

from superposition.benchmarks.serve import Reconstruction
from superposition.benchmarks.stream import Case, first_weights
from superposition.core.compute import has_fast_bf16

COMPILED, SPARSE = "compiled", "sparse activations"
SAE_LENS = {
    "l1": (StandardTrainingSAE, StandardTrainingSAEConfig, {"l1_coefficient": PENALTY}),
    "gated": (GatedTrainingSAE, GatedTrainingSAEConfig, {"l1_coefficient": PENALTY}),
    "jumprelu": (JumpReLUTrainingSAE, JumpReLUTrainingSAEConfig, {"l0_coefficient": PENALTY}),
    "topk": (TopKTrainingSAE, TopKTrainingSAEConfig, {}),
    "batch_topk": (BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig, {}),
}


class SaeLens:
    """SAELens: `SAETrainer.step`, as its runner calls it."""

    def __init__(self, case: Case, setting: str) -> None:
        """A trainer at its first step."""
        self.setting = setting
        make, config, extra = SAE_LENS[case.arch]
        if case.arch in ("topk", "batch_topk"):
            extra = {"k": case.k, "use_sparse_activations": SPARSE in setting}
        self.sae = make(config(d_in=case.d_in, d_sae=case.d_sae, device=case.device, **extra))
        weights = first_weights(case)
        with torch.no_grad():
            self.sae.W_enc.copy_(weights.W_enc)
            self.sae.W_dec.copy_(weights.W_dec)
            set_cut(self.sae, case.arch, weights.cut, bias="b_enc", gate="b_gate")
        trainer = SAETrainerConfig(
            total_training_samples=case.n_steps * case.batch_size,
            train_batch_size_samples=case.batch_size,
            lr=case.lr,
            lr_end=case.lr,
            device=case.device,
            autocast=BFLOAT16 in setting,
        )
        if COMPILED in setting:
            _compile(self.sae)
        self.trainer = SAETrainer(cfg=trainer, sae=self.sae, data_provider=iter(()))

    @classmethod
    def settings(cls, case: Case) -> list[str]:
        """What its documentation offers for speed on this device."""
        device = torch.device(case.device)
        formats = [FLOAT32] + [BFLOAT16] * has_fast_bf16(device)
        found = [*formats]
        if device.type == "cuda":
            found.append(f"{formats[-1]}, {COMPILED}")
        if case.arch == "topk":  # BatchTopK's activation function ignores the option
            sparse = formats if device.type == "cuda" else [FLOAT32]
            found += [f"{each}, {SPARSE}" for each in sparse]
        return found

    def step(self, x: Tensor) -> None:
        """One step of its trainer."""
        self.trainer.step(x)
        self.trainer.n_training_steps += 1

    @torch.no_grad()
    def reconstruct(self, x: Tensor) -> Reconstruction:
        """By the training-time encoder."""
        acts, _ = self.sae.encode_with_hidden_pre(x)
        x_hat = self.sae.decode(acts)
        return Reconstruction(x_hat, acts.to_dense() if acts.is_sparse else acts)


def _compile(sae: Any) -> None:
    """As its runner does with `compile_sae`; what was compiled for another case is forgotten.

    Otherwise torch stops compiling after a few cases, without a word.
    """
    torch.compiler.reset()
    forward = sae.training_forward_pass
    sae.training_forward_pass = torch.compile(forward, mode=None, backend="inductor")
