"""Which dictionary the atlas describes, and how much it keeps of every unit."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class AtlasConfig:
    """A dictionary, the text it is watched on, and the size of each unit's entry."""

    reads: str
    """`sae/<row>` for the latents of an autoencoder, `transformer/<row>` for the neurons."""
    activations: str
    """The row of activations whose transformer it belongs to."""
    sweep: str
    """The row of `sweep` with autoencoders of other widths on the same transformer."""
    level: float
    """Those trained at this sparsity: the sweep's level."""
    sweep_seed: int
    """Those from this random start."""
    n_tokens: int
    """Held-out tokens, rounded down to whole windows. Memory: about 600 bytes each at 30 active
    units a token, 4 kB each for 512 neurons."""
    batch_size: int
    """Windows at a time."""
    seed: int
    """Draws the windows, the examples of the intervals and the tokens of the ablations."""
    n_top: int
    """Examples with the largest activations."""
    n_intervals: int
    """Equal-width intervals of (0, max]. Source: Towards Monosemanticity, footnote 22: 11."""
    n_per_interval: int
    """Examples drawn in each interval."""
    context_before: int
    """Tokens shown before the one the unit is active on, as far as the window goes."""
    context_after: int
    """Tokens shown after it."""
    n_bins: int
    """Bars of the histogram of activations."""
    n_logits: int
    """Tokens listed that a unit promotes, and as many that it suppresses."""
    n_relatives: int
    """Units listed with the closest directions, and neurons with the largest shares."""
    n_cases: int
    """Tokens, at most, on which a unit is taken away."""

    def __post_init__(self) -> None:
        for name in ("context_before", "context_after"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}={getattr(self, name)} is negative")
        counts = ("n_tokens", "batch_size", "n_top", "n_intervals", "n_per_interval", "n_bins")
        for name in (*counts, "n_logits", "n_relatives", "n_cases"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")
        if self.reads.partition("/")[0] not in ("sae", "transformer"):
            raise ValueError(f"reads={self.reads}: allowed are sae/<row> and transformer/<row>")

    @property
    def sae(self) -> str | None:
        """The row of the autoencoder, if it is one."""
        kind, _, row = self.reads.partition("/")
        return row if kind == "sae" else None
