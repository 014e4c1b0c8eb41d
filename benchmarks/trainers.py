"""The peers' training steps: their own code, given the first weights and the batches of a case."""

import torch
from dictionary_learning.trainers.batch_top_k import BatchTopKTrainer
from dictionary_learning.trainers.gdm import GatedSAETrainer
from dictionary_learning.trainers.jumprelu import JumpReluTrainer
from dictionary_learning.trainers.standard import StandardTrainer
from dictionary_learning.trainers.top_k import TopKTrainer
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
from sparsify import SparseCoder, SparseCoderConfig
from torch import Tensor

from superposition.benchmarks.serve import Reconstruction
from superposition.benchmarks.stream import Case, first_weights
from superposition.core.compute import has_fast_bf16

PENALTY = 1e-3
"""Weight of what makes codes sparse: a number that costs time and hardly moves the few steps."""
FLOAT32, BFLOAT16, SPARSE = "float32", "bfloat16 autocast", "float32, sparse activations"

SAE_LENS = {
    "l1": (StandardTrainingSAE, StandardTrainingSAEConfig, {"l1_coefficient": PENALTY}),
    "gated": (GatedTrainingSAE, GatedTrainingSAEConfig, {"l1_coefficient": PENALTY}),
    "jumprelu": (JumpReLUTrainingSAE, JumpReLUTrainingSAEConfig, {"l0_coefficient": PENALTY}),
    "topk": (TopKTrainingSAE, TopKTrainingSAEConfig, {}),
    "batch_topk": (BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig, {}),
}
DICTIONARY_LEARNING = {
    "l1": (StandardTrainer, {"l1_penalty": PENALTY, "sparsity_warmup_steps": None}),
    "gated": (GatedSAETrainer, {"l1_penalty": PENALTY, "sparsity_warmup_steps": None}),
    "jumprelu": (
        JumpReluTrainer,
        {"sparsity_penalty": PENALTY, "sparsity_warmup_steps": None, "device": "cpu"},
    ),
    "topk": (TopKTrainer, {}),
    "batch_topk": (BatchTopKTrainer, {}),
}


class SaeLens:
    """SAELens: `SAETrainer.step`, as its runner calls it."""

    def __init__(self, case: Case, setting: str) -> None:
        """A trainer at its first step."""
        self.setting = setting
        make, config, extra = SAE_LENS[case.arch]
        if case.arch in ("topk", "batch_topk"):
            extra = {"k": case.k, "use_sparse_activations": setting == SPARSE}
        self.sae = make(config(d_in=case.d_in, d_sae=case.d_sae, **extra))
        weights = first_weights(case)
        with torch.no_grad():
            self.sae.W_enc.copy_(weights.W_enc)
            self.sae.W_dec.copy_(weights.W_dec)
            _set_cut(self.sae, case.arch, weights.cut, bias="b_enc", gate="b_gate")
        trainer = SAETrainerConfig(
            total_training_samples=case.n_steps * case.batch_size,
            train_batch_size_samples=case.batch_size,
            lr=case.lr,
            lr_end=case.lr,
            autocast=setting == BFLOAT16,
        )
        self.trainer = SAETrainer(cfg=trainer, sae=self.sae, data_provider=iter(()))

    @classmethod
    def settings(cls, case: Case) -> list[str]:
        """What its documentation offers for speed on this processor."""
        found = [FLOAT32]
        if case.arch == "topk":  # BatchTopK's activation function ignores the option
            found.append(SPARSE)
        return found + [BFLOAT16] * has_fast_bf16(torch.device("cpu"))

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


class DictionaryLearning:
    """dictionary_learning: `update` of its trainers."""

    def __init__(self, case: Case, setting: str) -> None:
        """A trainer at its first step."""
        self.setting, self.made, self.arch = setting, 0, case.arch
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
            _set_cut(ae, case.arch, weights.cut, bias="encoder.bias", gate="gate_bias")

    @classmethod
    def settings(cls, case: Case) -> list[str]:
        """Its training loop offers bfloat16 weights for GPUs; here there is one setting."""
        return [FLOAT32]

    def step(self, x: Tensor) -> None:
        """One step of its trainer."""
        self.trainer.update(self.made, x)
        self.made += 1

    @torch.no_grad()
    def reconstruct(self, x: Tensor) -> Reconstruction:
        """By the encoder as it trains."""
        ae = self.trainer.ae
        acts = ae.encode(x, use_threshold=False) if self.arch == "batch_topk" else ae.encode(x)
        return Reconstruction(ae.decode(acts), acts)


class Sparsify:
    """sparsify: the lines of `Trainer.fit` that make a step, which it has no function for."""

    DEAD_AFTER = 10_000_000

    def __init__(self, case: Case, setting: str) -> None:
        """An autoencoder and Adam, its choice beside Signum."""
        self.setting, self.made = setting, 0
        config = SparseCoderConfig(num_latents=case.d_sae, k=case.k, normalize_decoder=True)
        self.sae = SparseCoder(case.d_in, config)
        weights = first_weights(case)
        with torch.no_grad():
            self.sae.encoder.weight.copy_(weights.W_dec)
            self.sae.W_dec.copy_(weights.W_dec)
        self.optimizer = torch.optim.Adam(self.sae.parameters(), lr=case.lr)
        self.idle = torch.zeros(case.d_sae, dtype=torch.long)

    @classmethod
    def settings(cls, case: Case) -> list[str]:
        """Its autocast is for CUDA."""
        return [FLOAT32]

    def step(self, x: Tensor) -> None:
        """Forward, backward, the projection, Adam, unit rows, and which latents fired."""
        self.sae.set_decoder_norm_to_unit_norm()
        out = self.sae(x, dead_mask=self.idle > self.DEAD_AFTER)
        (out.fvu + out.auxk_loss / 32).backward()
        fired = torch.zeros(len(self.idle), dtype=torch.bool)
        fired[out.latent_indices.flatten()] = True
        self.sae.remove_gradient_parallel_to_decoder_directions()
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.idle.add_(len(x))[fired] = 0

    @torch.no_grad()
    def reconstruct(self, x: Tensor) -> Reconstruction:
        """By its forward pass."""
        out = self.sae(x)
        acts = torch.zeros(len(x), len(self.idle))
        return Reconstruction(out.sae_out, acts.scatter(-1, out.latent_indices, out.latent_acts))


PEERS: dict[str, type[SaeLens] | type[DictionaryLearning] | type[Sparsify]] = {
    "SAELens": SaeLens,
    "dictionary_learning": DictionaryLearning,
    "sparsify": Sparsify,
}


def _set_cut(sae: torch.nn.Module, arch: str, cut: float, *, bias: str, gate: str) -> None:
    """Let k latents be active at first, by the architecture's own means."""
    parameters = dict(sae.named_parameters())
    if arch == "l1":
        parameters[bias].fill_(-cut)
    elif arch == "gated":
        parameters[gate].fill_(-cut)
    elif arch == "jumprelu":
        parameters["threshold"].fill_(cut)
