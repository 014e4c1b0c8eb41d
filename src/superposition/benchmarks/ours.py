"""Our contenders: the training step as the pipeline makes it, the plain dense step, the limits."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from superposition.benchmarks.serve import Contender, Reconstruction
from superposition.benchmarks.stream import Case, batches, first_weights
from superposition.core.compute import has_fast_bf16, matmul_dtype
from superposition.saes import training
from superposition.saes.base import SAE, SaeConfig, TrainingConfig, architecture

DEAD_AFTER = 10_000_000
"""Inputs without firing after which a latent is dead: the peers' number, so that nobody's
auxiliary loss runs in the few steps that are timed."""
PENALTY = 1e-3
"""Weight of what makes codes sparse, as for the peers."""


def config_for(case: Case) -> SaeConfig:
    """The architecture's row for a case; what only some architectures have is given to those."""
    module = architecture(case.arch)
    special: dict[str, Any] = {
        "k": case.k,
        "k_aux": case.d_in // 2,
        "aux_coefficient": 1 / 32,
        "threshold_decay": 0.99,
        "l1_coefficient": PENALTY,
        "l0_coefficient": PENALTY,
        "penalty_warm_up": 0.0,
        "target_l0": float(case.k),
        "bandwidth": 1e-3,
        "initial_threshold": 1e-3,
    }
    known = module.Config.__dataclass_fields__
    return module.Config(
        arch=case.arch,
        activations="benchmark",
        d_sae=case.d_sae,
        seed=case.seed,
        training=TrainingConfig(
            n_steps=case.n_steps,
            batch_size=case.batch_size,
            lr=case.lr,
            beta2=0.999,
            warm_up=0.0,
            decay=0.0,
            gradient_clip=1.0,
            dead_window=max(1, DEAD_AFTER // case.batch_size),
            log_every=case.n_steps + 1,
        ),
        resampling=None,
        **{name: value for name, value in special.items() if name in known},
    )


class Ours:
    """A step of `training.advance_`."""

    def __init__(self, case: Case) -> None:
        """A run at its first step."""
        self.device = torch.device(case.device)
        self.setting = "bfloat16 product" if has_fast_bf16(self.device) else "float32"
        self.run = self._start(case)
        _set_first_weights(self.run.sae, case)

    def step(self, x: Float[Tensor, "batch d_in"]) -> None:
        """One step, with the inputs in the number format of the pipeline's cache where it pays."""
        training.advance_(self.run, x.to(matmul_dtype(self.device)), _no_source)

    @torch.no_grad()
    def reconstruct(self, x: Float[Tensor, "batch d_in"]) -> Reconstruction:
        """By the encoder as it trains."""
        loss = self.run.sae.loss(self._shaped(x), self.run.dead(), progress=0.0)
        acts = loss.codes.dense()
        return Reconstruction(loss.x_hat.reshape(x.shape), acts.reshape(len(x), -1))

    def _start(self, case: Case) -> training.Run:
        return training.start(config_for(case), self._shaped(_sample(case)), self.device)

    def _shaped(self, x: Tensor) -> Tensor:
        return x


class Plain(Ours):
    """The same autoencoder by dense products and autograd alone.

    An instance axis of one makes all codes dense: see superposition.saes.codes.
    """

    def __init__(self, case: Case) -> None:
        """A run at its first step."""
        super().__init__(case)
        self.setting = "float32"

    def step(self, x: Float[Tensor, "batch d_in"]) -> None:
        """One step."""
        training.advance_(self.run, self._shaped(x), _no_source)

    def _shaped(self, x: Tensor) -> Tensor:
        return x.unsqueeze(0)


class Product:
    """The encoder's product alone: what no step that looks at all latents can be faster than."""

    def __init__(self, case: Case) -> None:
        """The first weights, in the fastest number format."""
        device = torch.device(case.device)
        dtype = matmul_dtype(device)
        self.setting = str(dtype).removeprefix("torch.")
        self.x = next(batches(case)).to(device, dtype)
        self.W_enc = first_weights(case).W_dec.to(device, dtype).mT
        self.out = torch.empty(case.batch_size, case.d_sae, dtype=dtype, device=device)

    def step(self, x: Float[Tensor, "batch d_in"]) -> None:
        """x W_enc, into memory that is there already; of inputs that need no conversion."""
        torch.mm(self.x, self.W_enc, out=self.out)

    def reconstruct(self, x: Float[Tensor, "batch d_in"]) -> Reconstruction:
        """Nothing: there is no autoencoder."""
        return Reconstruction(torch.zeros_like(x), torch.zeros(len(x), 1))


class Memory:
    """Reading and writing as many numbers as there are pre-activations, once each."""

    def __init__(self, case: Case) -> None:
        """Two arrays of that size."""
        self.setting = "float32"
        self.source = torch.zeros(case.batch_size, case.d_sae, device=case.device)
        self.target = torch.ones_like(self.source)

    def step(self, x: Float[Tensor, "batch d_in"]) -> None:
        """Copy one to the other."""
        self.target.copy_(self.source)

    def reconstruct(self, x: Float[Tensor, "batch d_in"]) -> Reconstruction:
        """Nothing: there is no autoencoder."""
        return Reconstruction(torch.zeros_like(x), torch.zeros(len(x), 1))


CONTENDERS: dict[str, type[Contender]] = {
    "ours": Ours,
    "plain": Plain,
    "product": Product,
    "memory": Memory,
}
"""By the names of the tables."""


def _sample(case: Case) -> Tensor:
    """Inputs for the decoder's first bias, none for its directions, which are given."""
    return torch.zeros(2, case.d_in)


def _no_source(first: int) -> Any:
    raise AssertionError("no resampling, so no further inputs are asked for")


@torch.no_grad()
def _set_first_weights(sae: SAE, case: Case) -> None:
    """The weights all contenders start from, with k latents active by the architecture's means."""
    W_enc, W_dec, cut = first_weights(case)
    sae.W_enc.copy_(W_enc)
    sae.W_dec.copy_(W_dec)
    if case.arch == "l1":
        sae.b_enc.fill_(-cut)
    if case.arch == "gated":
        sae.b_enc.fill_(-cut)
    if case.arch == "jumprelu":
        dict(sae.named_parameters())["threshold"].fill_(cut)
