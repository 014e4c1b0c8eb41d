"""What the stages on single latents leave behind."""

from functools import cached_property

import pandas as pd

from superposition.artefacts.core import Artefacts


class Contexts(Artefacts):
    """The best latent of every concept, tested: `contexts/<row>`."""

    @cached_property
    def concepts(self) -> pd.DataFrame:
        """One row per concept and per proxy."""
        return self.table("concepts")

    @cached_property
    def groups(self) -> pd.DataFrame:
        """Precision by activation."""
        return self.table("groups")

    @cached_property
    def next_tokens(self) -> pd.DataFrame:
        """The tokens that typically follow each concept."""
        return self.table("next_tokens")


class Causal(Artefacts):
    """Interventions on those latents: `causal/<row>`."""

    @cached_property
    def ablation(self) -> pd.DataFrame:
        """What taking each away does."""
        return self.table("ablation")

    @cached_property
    def curves(self) -> pd.DataFrame:
        """The same by activation."""
        return self.table("curves")

    @cached_property
    def pinning(self) -> pd.DataFrame:
        """What holding each does."""
        return self.table("pinning")

    @cached_property
    def samples(self) -> pd.DataFrame:
        """Some of what was written then."""
        return self.table("samples")

    @cached_property
    def intervals(self) -> pd.DataFrame:
        """What weak and strong activations of random latents amount to."""
        return self.table("intervals")


class Consistency(Artefacts):
    """Scores of random latents and neurons: `consistency/<row>`."""

    @cached_property
    def units(self) -> pd.DataFrame:
        """One row per unit."""
        return self.table("units")
