"""What all sparse autoencoders share, and how an architecture is found by its name.

An architecture is one module of this folder with a `Config` (its fields beside the shared ones) and
an `SAE` (its encoder and its loss). Its file name is its name in params.yaml.
"""

from dataclasses import asdict, dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor, nn

from superposition.saes import kernels, scratch
from superposition.saes.codes import Codes
from superposition.saes.kernels import PreActs

PACKAGE = "superposition.saes"


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How an autoencoder is trained."""

    n_steps: int
    """Optimiser steps."""
    batch_size: int
    """Inputs per step and instance."""
    n_epochs: int = 1
    """Times that cached activations may be read, the last time perhaps in part; toys have no end.
    Source: Towards Monosemanticity, appendix, Sparse Autoencoder Setup: once."""
    lr: float | None
    """Adam's learning rate after warm-up; null: 2e-4 / sqrt(d_sae / 2^14), as in Scaling and
    Evaluating Sparse Autoencoders (Gao et al. 2024), section 2 and appendix A."""
    beta2: float
    """Decay of Adam's second moment; the first one's is 0.9. Source: Adam (Kingma and Ba 2015)."""
    warm_up: float
    """Share of the steps over which the learning rate rises from 0."""
    decay: float
    """Share of the steps, the last ones, over which the learning rate falls to 0."""
    gradient_clip: float | None
    """Largest norm of an instance's gradient; null: no clipping."""
    dead_window: int
    """Steps without firing after which a latent counts as dead."""
    log_every: int
    """Steps between two rows of the history."""

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        for name in ("n_steps", "batch_size", "n_epochs", "dead_window", "log_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")
        for name in ("warm_up", "decay"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}={getattr(self, name)} is not between 0 and 1")
        if self.warm_up + self.decay > 1:
            raise ValueError(f"warm_up={self.warm_up} and decay={self.decay} exceed 1 together")
        if self.lr is not None and self.lr <= 0:
            raise ValueError(f"lr={self.lr} is not positive")


@dataclass(frozen=True, kw_only=True)
class ResamplingConfig:
    """When and how dead latents get new directions."""

    kind: Literal["random", "loss", "reinitialise"]
    """Random directions (ARENA 1.6), inputs drawn by squared loss, or new initial weights (both
    Towards Monosemanticity, Neuron Resampling)."""
    at: list[float]
    """When, as shares of the steps. Source: Towards Monosemanticity, Neuron Resampling: 0.025,
    0.05, 0.075 and 0.1 of a million steps."""
    n_inputs: int
    """Inputs per instance among which directions are drawn; 819,200 in the paper."""
    encoder_scale: float
    """Norm of a new encoder vector over the mean norm of alive ones; 0.2 in the paper."""

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        if not all(0 < share < 1 for share in self.at):
            raise ValueError(f"at={self.at} has a value that is not between 0 and 1")
        if self.n_inputs < 1:
            raise ValueError(f"n_inputs={self.n_inputs} is below 1")
        if self.encoder_scale <= 0:
            raise ValueError(f"encoder_scale={self.encoder_scale} is not positive")


@dataclass(frozen=True, kw_only=True)
class SaeConfig:
    """What every architecture's row has."""

    arch: str
    """The architecture: a module of superposition.saes."""
    activations: str
    """The row whose vectors it learns: of the stage `activations`, or of `toy` in a toy's row."""
    d_sae: int
    """Latents in the dictionary."""
    seed: int
    """Of the initial weights, and of resampling."""
    training: TrainingConfig
    """How it is trained."""
    resampling: ResamplingConfig | None
    """What happens to dead latents; null: nothing."""

    def __post_init__(self) -> None:
        """Refuse an empty dictionary and an architecture of another name."""
        if self.d_sae < 1:
            raise ValueError(f"d_sae={self.d_sae} is below 1")
        module = type(self).__module__
        if module.startswith(f"{PACKAGE}.") and module not in (__name__, f"{PACKAGE}.{self.arch}"):
            raise ValueError(f"arch={self.arch!r} is not configured by {module}")


class Loss(NamedTuple):
    """The loss of a batch and what came up on the way, each per instance if there are some."""

    total: Float[Tensor, "*instance"]
    """What is minimised, in the architecture's own units."""
    mse: Float[Tensor, "*instance"]
    """Squared error, mean over inputs and over d_in, in squared units of x."""
    penalty: Float[Tensor, "*instance"]
    """What the architecture adds to the squared error, weighted, in units of `total`."""
    x_hat: Float[Tensor, "*instance batch d_in"]
    """The reconstruction."""
    codes: Codes
    """The activations it was made from."""

    def detached(self) -> "Loss":
        """The same numbers without the way they came up."""
        numbers = {name: getattr(self, name).detach() for name in self._fields if name != "codes"}
        return Loss(**numbers, codes=self.codes.with_values(self.codes.values.detach()))


class SAE(nn.Module):
    """An autoencoder with sparse activations f and unit decoder rows d_i.

        f(x) = activation(W_enc (x - b_dec) + b_enc)
        x_hat = b_dec + sum_i f_i(x) d_i,   d_i = W_dec[i],   |d_i| = 1

    With a leading instance axis it is that many independent autoencoders. Some architectures learn
    x / u, with `unit` u, and differ in that their biases are stored in that unit; f, x_hat and
    W_dec are in units of x all the same, because f is proportional to the biases and x together.
    Source: Towards Monosemanticity, Sparse Autoencoders; appendix, Sparse Autoencoder Setup.
    """

    W_enc: Float[Tensor, "*instance d_in d_sae"]
    b_enc: Float[Tensor, "*instance d_sae"]
    W_dec: Float[Tensor, "*instance d_sae d_in"]
    b_dec: Float[Tensor, "*instance d_in"]
    passes: ClassVar[int] = 1
    """How often dense codes are read and written in a step, in those of a ReLU: see `kernels`."""

    def __init__(self, config: SaeConfig, *, d_in: int, n_instances: int | None = None) -> None:
        """An autoencoder of zeros; `initialise_` gives it weights."""
        super().__init__()
        self.config, self.d_in, self.n_instances = config, d_in, n_instances
        self.scratch = scratch.shared()
        instance = () if n_instances is None else (n_instances,)
        d_sae = config.d_sae
        # A latent's encoder vector is contiguous in memory, as its sparse gradient is.
        self.W_enc = nn.Parameter(torch.zeros(*instance, d_sae, d_in).mT)
        self.b_enc = nn.Parameter(torch.zeros(*instance, d_sae))
        self.W_dec = nn.Parameter(torch.zeros(*instance, d_sae, d_in))
        self.b_dec = nn.Parameter(torch.zeros(*instance, d_in))

    def codes(self, x: Float[Tensor, "*instance batch d_in"]) -> Codes:
        """The activations of a trained autoencoder, sparse where that pays."""
        raise NotImplementedError

    def loss(
        self,
        x: Float[Tensor, "*instance batch d_in"],
        dead: Bool[Tensor, "*instance d_sae"] | None,
        *,
        progress: float,
    ) -> Loss:
        """The training loss.

        `dead` says which latents have not fired for long, None that all have; `progress`, from 0
        to below 1, which share of the training is done: a penalty may start small.
        """
        raise NotImplementedError

    def heeds_dead(self) -> bool:
        """Whether the loss depends on which latents are dead."""
        return hasattr(self.config, "k_aux")

    def has_fixed_kernels(self, *, progress: float) -> bool:
        """Whether a step without dead latents is the same work on a GPU from now on.

        It is where codes are dense and no penalty grows any more.
        """
        is_dense = self.passes * self.config.d_sae <= kernels.DENSE_UP_TO["cuda"]
        return is_dense and progress >= getattr(self.config, "penalty_warm_up", 0.0)

    def input_losses(
        self, x: Float[Tensor, "*instance batch d_in"]
    ) -> Float[Tensor, "*instance batch"]:
        """The loss of each input alone, by which resampling draws."""
        return (self.decode_codes(self.codes(x)) - x).square().mean(-1)

    def initialise_(self, sample: Float[Tensor, "*instance batch d_in"]) -> None:
        """Give the weights their first values; `sample` is for the decoder's bias."""
        raise NotImplementedError

    def after_step_(self, codes: Codes) -> None:
        """What follows an optimiser step; `codes` are the step's activations."""
        self.normalise_decoder_()

    def unit(self) -> Float[Tensor, "*instance 1"] | float:
        """u: the size of inputs that the biases are measured by."""
        return 1.0

    def pre_acts(self, x: Float[Tensor, "*instance batch d_in"]) -> PreActs:
        """W_enc (x - u b_dec) + u b_enc, as W_enc x + (b_enc - W_enc b_dec) u."""
        bias = self.encoder_bias(self.W_enc, self.b_enc)
        return kernels.linear(x, self.W_enc, bias, self.scratch)

    def encoder_bias(
        self, W_enc: Float[Tensor, "*instance d_in some"], b_enc: Float[Tensor, "*instance some"]
    ) -> Float[Tensor, "*instance some"]:
        """(b_enc - W_enc b_dec) u, for all latents or for some."""
        return (b_enc - (W_enc.mT @ self.b_dec.unsqueeze(-1)).squeeze(-1)) * self.unit()

    def decoder_bias(self) -> Float[Tensor, "*instance d_in"]:
        """b_dec u: the reconstruction of an input without active latents."""
        return self.b_dec * self.unit()

    def decode_codes(self, codes: Codes) -> Float[Tensor, "*instance batch d_in"]:
        """W_dec f + b_dec u."""
        return codes.decode(self.W_dec) + self.decoder_bias().unsqueeze(-2)

    def encode(self, x: Float[Tensor, "*batch d_in"]) -> Float[Tensor, "*batch d_sae"]:
        """The activations f(x), every zero stored."""
        if self.n_instances is not None:
            return self.codes(x).dense()
        return self.codes(x.flatten(0, -2)).dense().unflatten(0, x.shape[:-1])

    def decode(self, acts: Float[Tensor, "*batch d_sae"]) -> Float[Tensor, "*batch d_in"]:
        """The reconstruction from activations."""
        bias = self.decoder_bias()
        return acts @ self.W_dec + (bias if self.n_instances is None else bias.unsqueeze(-2))

    def forward(self, x: Float[Tensor, "*batch d_in"]) -> Float[Tensor, "*batch d_in"]:
        """The reconstruction of x."""
        return self.decode(self.encode(x))

    @torch.no_grad()
    def normalise_decoder_(self) -> None:
        """Give every decoder row norm 1."""
        self.W_dec.div_(self.W_dec.norm(dim=-1, keepdim=True).clamp(min=1e-8))

    @torch.no_grad()
    def project_gradients_(self) -> None:
        """Take from the decoder's gradient what would only change the rows' norms.

        Source: Towards Monosemanticity, appendix, Sparse Autoencoder Setup: before the step, so
        that Adam's moments do not see what normalising undoes.
        """
        if self.W_dec.grad is not None:
            with self.scratch.like(self.W_dec) as products:
                torch.mul(self.W_dec.grad, self.W_dec, out=products)
                parallel = products.sum(-1, keepdim=True)
            self.W_dec.grad.addcmul_(parallel, self.W_dec, value=-1)

    def generator(self) -> Generator:
        """A generator with the row's seed, on the CPU so that every device starts alike."""
        return Generator().manual_seed(self.config.seed)

    def to_dict(self) -> dict[str, Any]:
        """What rebuilds this autoencoder, for cfg.json: the row and the sizes."""
        return asdict(self.config) | {"d_in": self.d_in, "n_instances": self.n_instances}


def architecture(name: str) -> Any:
    """The module superposition.saes.<name>, with its `Config` and its `SAE`."""
    if name in _modules():
        module = import_module(f"{PACKAGE}.{name}")
        if _is_architecture(module):
            return module
    raise ValueError(f"arch={name!r} is unknown; have: {', '.join(architectures())}")


def architectures() -> list[str]:
    """The names of the architectures that exist."""
    modules = {name: import_module(f"{PACKAGE}.{name}") for name in _modules()}
    return [name for name, module in modules.items() if _is_architecture(module)]


def build(config: SaeConfig, *, d_in: int, n_instances: int | None = None) -> SAE:
    """An autoencoder of zeros as `config` describes it."""
    return architecture(config.arch).SAE(config, d_in=d_in, n_instances=n_instances)


def restore(config: SaeConfig, tensors: dict[str, Tensor]) -> SAE:
    """The autoencoder that `config` describes, with saved `tensors`."""
    *instances, d_sae, d_in = tensors["W_dec"].shape
    if d_sae != config.d_sae:
        raise ValueError(f"d_sae={config.d_sae}, but the weights have {d_sae} latents")
    sae = build(config, d_in=d_in, n_instances=instances[0] if instances else None)
    sae.load_state_dict(tensors)
    return sae


def ramp(progress: float, *, over: float) -> float:
    """How much of a penalty counts at `progress`: it rises from 0 over a share of the training.

    >>> ramp(0.25, over=0.5), ramp(0.75, over=0.5), ramp(0.0, over=0.0)
    (0.5, 1.0, 1.0)
    """
    return min(1.0, progress / over) if over > 0 else 1.0


def _modules() -> list[str]:
    return [module.name for module in iter_modules(import_module(PACKAGE).__path__)]


def _is_architecture(module: Any) -> bool:
    return hasattr(module, "SAE") and hasattr(module, "Config")
