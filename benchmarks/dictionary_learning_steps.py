"""dictionary_learning's training step."""

import torch
from beginning import BFLOAT16, FLOAT32, PENALTY, set_cut
from dictionary_learning.trainers.batch_top_k import BatchTopKTrainer
from dictionary_learning.trainers.gdm import GatedSAETrainer
from dictionary_learning.trainers.jumprelu import JumpReluTrainer
from dictionary_learning.trainers.standard import StandardTrainer
from dictionary_learning.trainers.top_k import TopKTrainer
from torch import Tensor

from superposition.benchmarks.serve import Reconstruction
from superposition.benchmarks.stream import Case, first_weights
from superposition.core.compute import has_fast_bf16

DICTIONARY_LEARNING = {
    "l1": (StandardTrainer, {"l1_penalty": PENALTY, "sparsity_warmup_steps": None}),
    "gated": (GatedSAETrainer, {"l1_penalty": PENALTY, "sparsity_warmup_steps": None}),
    "jumprelu": (JumpReluTrainer, {"sparsity_penalty": PENALTY, "sparsity_warmup_steps": None}),
    "topk": (TopKTrainer, {}),
    "batch_topk": (BatchTopKTrainer, {}),
}


class DictionaryLearning:
    """dictionary_learning: `update` of its trainers."""

    def __init__(self, case: Case, setting: str) -> None:
        """A trainer at its first step."""
        self.setting, self.made, self.arch = setting, 0, case.arch
        is_bfloat16, kind = setting == BFLOAT16, torch.device(case.device).type
        self.dtype = torch.bfloat16 if is_bfloat16 else torch.float32
        self.autocast = torch.autocast(kind, self.dtype, enabled=is_bfloat16)
        make, extra = DICTIONARY_LEARNING[case.arch]
        if case.arch in ("topk", "batch_topk"):
            extra = extra | {"k": case.k}
        if case.arch == "jumprelu":
            extra = extra | {"target_l0": float(case.k)}
        self.trainer = make(
            steps=case.n_steps,
            activation_dim=case.d_in,
            dict_size=case.d_sae,
            layer=0,
            lm_name="none",
            lr=case.lr,
            warmup_steps=0,
            device=case.device,
            **extra,
        )
        weights, ae = first_weights(case), self.trainer.ae
        with torch.no_grad():
            if case.arch == "jumprelu":
                ae.W_enc.copy_(weights.W_enc)
                ae.W_dec.copy_(weights.W_dec)
            else:
                ae.encoder.weight.copy_(weights.W_dec)
                ae.decoder.weight.copy_(weights.W_enc)
            set_cut(ae, case.arch, weights.cut, bias="encoder.bias", gate="gate_bias")

    @classmethod
    def settings(cls, case: Case) -> list[str]:
        """Its training loop offers autocast for GPUs alone."""
        device = torch.device(case.device)
        return [FLOAT32] + [BFLOAT16] * (device.type == "cuda" and has_fast_bf16(device))

    def step(self, x: Tensor) -> None:
        """One step of its trainer, inputs and products in the number format of `trainSAE`."""
        with self.autocast:
            self.trainer.update(self.made, x.to(self.dtype))
        self.made += 1

    @torch.no_grad()
    def reconstruct(self, x: Tensor) -> Reconstruction:
        """By the encoder as it trains."""
        ae = self.trainer.ae
        acts = ae.encode(x, use_threshold=False) if self.arch == "batch_topk" else ae.encode(x)
        return Reconstruction(ae.decode(acts), acts)
