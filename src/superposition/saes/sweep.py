"""Many autoencoders of one architecture on one stream: widths times levels of sparsity times seeds.

A single autoencoder says little: it may be sparser, or more faithful, than another, and differ
from it by its random start alone. A sweep is the frontier between sparsity and fidelity, with its
spread.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from jaxtyping import Float
from torch import Tensor

from superposition.core.params import build
from superposition.saes.base import SAE, SaeConfig, architecture


@dataclass(frozen=True, kw_only=True)
class SweepConfig:
    """A row of `sweep`: what its autoencoders share, and in what they differ."""

    arch: str
    """The architecture: a module of superposition.saes."""
    activations: str
    """The row of `activations` whose vectors they learn."""
    d_sae: list[int]
    """Widths."""
    level: str
    """The architecture's field that sets how sparse it is."""
    levels: list[int | float]
    """Values of that field."""
    seeds: list[int]
    """Of the first weights. All read the same stream."""
    shared: dict[str, Any]
    """The architecture's other fields, among them `training` and `resampling`."""
    n_tokens: int
    """Held-out tokens on which each is evaluated, the same for all."""
    batch_size: int
    """Windows of them at a time."""
    seed: int
    """Draws the windows."""

    def __post_init__(self) -> None:
        """Refuse an empty sweep, values given twice, and fields that the sweep itself sets."""
        for name in ("d_sae", "levels", "seeds"):
            values = getattr(self, name)
            if not values or len(set(values)) < len(values):
                raise ValueError(f"{name}={values} is empty or has a value twice")
        set_here = {"arch", "activations", "d_sae", "seed", self.level} & self.shared.keys()
        if set_here:
            raise ValueError(f"shared has {', '.join(sorted(set_here))}, which the row itself sets")
        for name in ("n_tokens", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")


class Point(NamedTuple):
    """One autoencoder of a sweep."""

    name: str
    """Width, level and seed: `4096-30-0`."""
    level: float
    """Value of the field that is varied."""
    config: SaeConfig
    """What describes it."""


def points(config: SweepConfig, *, key: str, origin: str) -> list[Point]:
    """The autoencoders of a sweep, the last of widths, levels and seeds changing fastest.

    `key` and `origin` say where the row stands, for the message if the architecture refuses it.
    """
    kind = architecture(config.arch).Config
    found = []
    for d_sae in config.d_sae:
        for level in config.levels:
            for seed in config.seeds:
                own = {"d_sae": d_sae, "seed": seed, config.level: level}
                fields = {"arch": config.arch, "activations": config.activations}
                values = fields | config.shared | own
                one = build(kind, values, key=key, origin=origin)
                found.append(Point(f"{d_sae}-{level:g}-{seed}", level, one))
    return found


def weights(points: Sequence[Point], saes: Sequence[SAE]) -> dict[str, Float[Tensor, "..."]]:
    """All parameters and buffers, by `<point>.<name>`."""
    pairs = zip(points, saes, strict=True)
    return {
        f"{point.name}.{name}": tensor
        for point, sae in pairs
        for name, tensor in sae.state_dict().items()
    }


def weights_of(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The parameters and buffers of one point, by their names."""
    start = f"{name}."
    found = {
        key.removeprefix(start): each for key, each in tensors.items() if key.startswith(start)
    }
    if not found:
        have = ", ".join(sorted({key.rpartition(".")[0] for key in tensors}))
        raise ValueError(f"no point {name!r} in the sweep; have: {have}")
    return found
