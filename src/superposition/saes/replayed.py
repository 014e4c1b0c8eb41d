"""Steps that a GPU makes by itself: recorded once, and replayed with other inputs.

A step is some 150 kernels of microseconds each. Python needs longer to ask for them than the GPU to
run them, so that at 4,096 latents most of a step would be waiting. What is recorded must be the
same work every time: no dead latents with a loss of their own, codes of a fixed size.
"""

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from superposition.gpu.recorded import Recorded
from superposition.saes import distributed
from superposition.saes.base import SAE, Loss

Make = Callable[[Tensor], Loss]
"""Makes a step on a batch: gradients, weights, constraints."""


@dataclass
class Replayed:
    """The replayed steps of one autoencoder."""

    sae: SAE
    """The autoencoder."""
    idle: Int[Tensor, "*instance d_sae"]
    """Steps since each latent fired: the tensor that the steps write to."""
    all_alive_until: int = 0
    """The step before which, as `idle` was last seen, no latent can be dead."""
    recorded: Make | None = None
    """What is replayed, once there is something."""

    def can_make(self, step: int) -> bool:
        """Whether the step may be replayed: on one GPU, with fixed kernels, all latents alive."""
        is_one = self.sae.n_instances is None and distributed.is_alone()
        if self.idle.device.type != "cuda" or not is_one:
            return False
        progress = step / self.sae.config.training.n_steps
        is_fixed = self.sae.has_fixed_kernels(progress=progress)
        return is_fixed and (not self.sae.heeds_dead() or self._all_alive(step))

    def make_(self, make: Make, x: Float[Tensor, "batch d_in"]) -> Loss:
        """`make` a step on `x`, or replay what it made; the loss is overwritten by the next one."""
        if self.recorded is None:
            self.recorded = Recorded(make)
        return self.recorded(x)

    def _all_alive(self, step: int) -> bool:
        """Whether no latent is dead, without a look at every step.

        A latent that has been idle for m steps is dead after `dead_window` - m further ones at the
        earliest. Until then nobody needs to ask the GPU.
        """
        if step >= self.all_alive_until:
            longest = int(self.idle.max())
            self.all_alive_until = step + self.sae.config.training.dead_window - longest
        return step < self.all_alive_until
