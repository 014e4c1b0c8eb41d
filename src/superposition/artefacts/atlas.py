"""Every unit of a dictionary, described alike."""

from functools import cached_property

import pandas as pd

from superposition.artefacts.core import Artefacts


class Atlas(Artefacts):
    """The latents of an autoencoder or the neurons of a transformer: `atlas/<row>`."""

    @cached_property
    def units(self) -> pd.DataFrame:
        """One row per unit."""
        return self.table("units")

    @cached_property
    def examples(self) -> pd.DataFrame:
        """Contexts over the whole range of its activations."""
        return self.table("examples")

    @cached_property
    def logits(self) -> pd.DataFrame:
        """The tokens it makes more and less likely."""
        return self.table("logits")

    @cached_property
    def relatives(self) -> pd.DataFrame:
        """Units with similar directions."""
        return self.table("relatives")
