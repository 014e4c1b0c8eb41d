"""sparsify's training step."""

import torch
from beginning import BFLOAT16, FLOAT32
from sparsify import SparseCoder, SparseCoderConfig, sparse_coder, utils
from torch import Tensor

from superposition.benchmarks.serve import Reconstruction
from superposition.benchmarks.stream import Case, first_weights
from superposition.core.compute import has_fast_bf16

TRITON, EAGER = "Triton decoder", "eager decoder"


class Sparsify:
    """sparsify: the lines of `Trainer.fit` that make a step, which it has no function for."""

    DEAD_AFTER = 10_000_000

    def __init__(self, case: Case, setting: str) -> None:
        """An autoencoder and Adam, its choice beside Signum."""
        self.setting = setting
        if torch.device(case.device).type == "cuda":
            torch.set_float32_matmul_precision("high")  # as `Trainer.fit` does
            is_eager = setting.endswith(EAGER)
            sparse_coder.decoder_impl = utils.eager_decode if is_eager else utils.decoder_impl
        config = SparseCoderConfig(num_latents=case.d_sae, k=case.k, normalize_decoder=True)
        self.sae = SparseCoder(case.d_in, config, case.device, dtype=torch.float32)
        weights = first_weights(case)
        with torch.no_grad():
            self.sae.encoder.weight.copy_(weights.W_dec)
            self.sae.W_dec.copy_(weights.W_dec)
        self.optimizer = torch.optim.Adam(self.sae.parameters(), lr=case.lr)
        self.idle = torch.zeros(case.d_sae, dtype=torch.long, device=case.device)

    @classmethod
    def settings(cls, case: Case) -> list[str]:
        """Its autocast, which nobody can switch off, is for CUDA, and so is its Triton decoder."""
        device = torch.device(case.device)
        if device.type != "cuda":
            return [FLOAT32]
        product = BFLOAT16 if has_fast_bf16(device) else FLOAT32
        decoders = [TRITON] * (utils.decoder_impl is not utils.eager_decode) + [EAGER]
        return [f"{product}, {decoder}" for decoder in decoders]

    def step(self, x: Tensor) -> None:
        """Forward, backward, the projection, Adam, unit rows, and which latents fired."""
        self.sae.set_decoder_norm_to_unit_norm()
        out = self.sae(x, dead_mask=self.idle > self.DEAD_AFTER)
        (out.fvu + out.auxk_loss / 32).backward()
        fired = torch.zeros_like(self.idle, dtype=torch.bool)
        fired[out.latent_indices.flatten()] = True
        self.sae.remove_gradient_parallel_to_decoder_directions()
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.idle.add_(len(x))[fired] = 0

    @torch.no_grad()
    def reconstruct(self, x: Tensor) -> Reconstruction:
        """By its forward pass."""
        out = self.sae(x)
        acts = torch.zeros(len(x), len(self.idle), device=x.device)
        latent_acts = out.latent_acts.to(acts.dtype)
        return Reconstruction(out.sae_out, acts.scatter(-1, out.latent_indices, latent_acts))
