"""Matryoshka BatchTopK: the first latents of the dictionary must reconstruct alone as well."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from superposition.saes import base, kernels
from superposition.saes.auxiliary import check_selection, error_of_dead_latents, move_threshold_
from superposition.saes.base import Loss, SaeConfig
from superposition.saes.codes import Codes
from superposition.saes.initialisation import transposed_


@dataclass(frozen=True, kw_only=True)
class Config(SaeConfig):
    """A row with `arch: matryoshka`."""

    k: int
    """Active latents per input of the whole dictionary, mean over the batch."""
    k_aux: int
    """Dead latents that model an input's error in the auxiliary loss; d_in / 2.
    Source: Scaling and Evaluating Sparse Autoencoders (Gao et al. 2024), appendix A.2."""
    aux_coefficient: float
    """Weight of the auxiliary loss; 1/32. Source: same."""
    threshold_decay: float
    """Of the mean smallest kept activation, per step, which becomes the inference threshold."""
    prefixes: list[float]
    """Shares of the dictionary, ascending to 1, each of which reconstructs alone. The groups
    between them are 1/32, 1/16, 1/8, 1/4 and the rest in the dictionary_learning library."""

    def __post_init__(self) -> None:
        """Refuse more active latents than there are, and groups without latents."""
        super().__post_init__()
        check_selection(k=self.k, k_aux=self.k_aux, d_sae=self.d_sae)
        if not 0 <= self.threshold_decay < 1:
            raise ValueError(f"threshold_decay={self.threshold_decay} is not in [0, 1)")
        if not self.prefixes or self.prefixes[-1] != 1:
            raise ValueError(f"prefixes={self.prefixes} do not end with 1")
        if any(size < 1 for size in self.group_sizes()):
            raise ValueError(f"prefixes={self.prefixes} of d_sae={self.d_sae} do not all grow")

    def group_sizes(self) -> list[int]:
        """How many latents each prefix has more than the one before."""
        ends = [0, *(round(share * self.d_sae) for share in self.prefixes)]
        return [stop - start for start, stop in pairwise(ends)]


class SAE(base.SAE):
    """BatchTopK whose dictionary contains smaller dictionaries: its prefixes.

        training:   f = BatchTopK(W_enc (x - b_dec) + b_enc),   k |X| largest of the batch
        inference:  f_i = z_i if z_i > theta else 0,   z = W_enc (x - b_dec) + b_enc
        x_hat_m = W_dec[:m] f[:m] + b_dec,   for each prefix m of the dictionary
        L = mean_m MSE(x, x_hat_m) + alpha MSE(x - x_hat, e_hat)

    Latents are selected once, for the whole dictionary. theta and e_hat are those of BatchTopK.
    Source: Learning Multi-Level Features with Matryoshka Sparse Autoencoders (Bussmann et al.
    2025), section 3; prefixes are fixed, as in the published code.
    Differs: the losses of prefixes are averaged, not added, so that alpha weighs the same for any
    number of them.
    """

    config: Config
    threshold: Float[Tensor, "*instance"]

    def __init__(self, config: Config, *, d_in: int, n_instances: int | None = None) -> None:
        """An autoencoder of zeros, with the threshold of a ReLU."""
        super().__init__(config, d_in=d_in, n_instances=n_instances)
        self.register_buffer("threshold", torch.zeros(self.b_enc.shape[:-1]))

    def codes(self, x: Float[Tensor, "*instance batch d_in"]) -> Codes:
        """f(x) by the threshold: an input's code does not depend on its batch."""
        return kernels.above(self.pre_acts(x), self.threshold.unsqueeze(-1))

    def loss(
        self,
        x: Float[Tensor, "*instance batch d_in"],
        dead: Bool[Tensor, "*instance d_sae"] | None,
        *,
        progress: float,
    ) -> Loss:
        """L on a training batch, the same at all times; `mse` is that of the whole dictionary."""
        codes = kernels.batch_top_k(self.pre_acts(x), self.config.k)
        x_hats = list(self.prefix_reconstructions(codes))
        errors = torch.stack([(x_hat - x).square().mean((-1, -2)) for x_hat in x_hats])
        x_hat, mse, total = x_hats[-1], errors[-1], errors.mean(0)
        if dead is not None and bool(dead.any()):
            aux = error_of_dead_latents(self, x, x_hat, dead, k_aux=self.config.k_aux)
            total = total + self.config.aux_coefficient * aux
        return Loss(total, mse, total - mse, x_hat, codes)

    def has_fixed_kernels(self, *, progress: float) -> bool:
        """It is not: how many of the codes belong to a prefix differs from batch to batch."""
        return False

    def prefix_reconstructions(
        self, codes: Codes
    ) -> Iterator[Float[Tensor, "*instance batch d_in"]]:
        """x_hat_m for every prefix m, the shortest first; the last one is x_hat."""
        sizes, start = self.config.group_sizes(), 0
        x_hat = self.decoder_bias().unsqueeze(-2)
        for rows in self.W_dec.split(sizes, dim=-2):
            stop = start + rows.shape[-2]
            x_hat = x_hat + codes.within(start, stop).decode(rows)
            yield x_hat
            start = stop

    @torch.no_grad()
    def after_step_(self, codes: Codes) -> None:
        """Normalise the decoder, and move the threshold towards the smallest activation kept."""
        super().after_step_(codes)
        move_threshold_(self.threshold, codes.smallest(), decay=self.config.threshold_decay)

    @torch.no_grad()
    def initialise_(self, sample: Float[Tensor, "*instance batch d_in"]) -> None:
        """As `transposed_`, with the threshold of a ReLU."""
        transposed_(self, sample)
        self.threshold.zero_()
