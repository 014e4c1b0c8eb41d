"""Which latents to look at, chosen by rules fixed beforehand and not by eye.

Some are looked for: those that match a context planted in the text, and those that move a logit
most. The rest is a random sample, spread over density, that speaks for all the latents.
"""

from dataclasses import dataclass
from itertools import pairwise

import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from superposition.features.statistics import LatentCounts
from superposition.features.streaming import Active
from superposition.language.planted import KINDS
from superposition.language.tokens import TokenStream

NOT_PLANTED = -1
"""Label of a token of ordinary text."""
PREFERRED = 0.5
"""Precision from which a latent prefers a context: most of its active tokens lie inside."""


@dataclass(frozen=True, kw_only=True)
class SelectionConfig:
    """How many latents to choose, and by which rules."""

    n_latents: int
    """All of them together; fewer if fewer are alive."""
    n_per_planted_kind: int
    """For each planted context, the latents that match it best by F1."""
    n_by_effect: int
    """The latents that raise one logit most when they are active."""
    seed: int
    """Decides the random sample that fills the rest."""

    def __post_init__(self) -> None:
        for name in ("n_latents", "n_per_planted_kind", "n_by_effect"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}={getattr(self, name)} is negative")
        if len(KINDS) * self.n_per_planted_kind + self.n_by_effect > self.n_latents:
            raise ValueError(
                f"{len(KINDS)} x n_per_planted_kind={self.n_per_planted_kind}"
                f" + n_by_effect={self.n_by_effect} exceeds n_latents={self.n_latents}"
            )


@dataclass
class PlantedCounts:
    """How often each latent is active inside each planted context."""

    active: Int[Tensor, "kind d_sae"]
    """Tokens inside the context on which the latent was active."""
    tokens: Int[Tensor, " kind"]
    """Tokens inside the context."""

    @classmethod
    def empty(cls, d_sae: int, *, device: torch.device) -> "PlantedCounts":
        """Counts before the first batch."""
        zeros = torch.zeros(len(KINDS), d_sae + 1, dtype=torch.int64, device=device)
        return cls(active=zeros[:, :-1].clone(), tokens=zeros[:, -1].clone())

    def add_(self, found: Active, *, kind: Int[Tensor, " n"]) -> None:
        """Count a batch whose i-th token has label `kind[i]`: an index of KINDS, or NOT_PLANTED."""
        for label in range(len(KINDS)):
            inside = (kind == label)[found.inputs]
            self.tokens[label] += (kind == label).sum()
            self.active[label] += torch.bincount(
                found.latents[inside], minlength=self.active.shape[1]
            )


def token_kinds(stream: TokenStream, documents: pd.DataFrame) -> Int[Tensor, " n"]:
    """The label of every token of the stream; `documents` has the columns document and kind.

    A label is an index of KINDS, or NOT_PLANTED. Separators are ordinary text.
    """
    label_of = {kind: label for label, kind in enumerate(KINDS)}
    kind_of = dict(zip(documents["document"], documents["kind"], strict=True))
    labels = [label_of.get(kind_of[i], NOT_PLANTED) for i in stream.document.tolist()]
    per_token = torch.tensor(labels).repeat_interleave(stream.start.diff())
    per_token[stream.start[:-1]] = NOT_PLANTED
    return per_token


def planted_matches(counts: LatentCounts, planted: PlantedCounts) -> pd.DataFrame:
    """Precision, recall and F1 of every latent as a detector of every planted context.

    Precision: share of its active tokens inside the context. Recall: share of the context's tokens
    on which it is active. Over all tokens, at threshold 0; 0 where nothing is active.
    Columns: latent, kind, precision, recall, f1.
    """
    active, inside = counts.active.double().cpu(), planted.active.double().cpu()
    tokens = planted.tokens.double().cpu().unsqueeze(1)
    n_kinds, d_sae = inside.shape
    return pd.DataFrame(
        {
            "latent": torch.arange(d_sae).repeat(n_kinds).numpy(),
            "kind": [kind for kind in KINDS for _ in range(d_sae)],
            "precision": (inside / active.clamp(min=1)).flatten().numpy(),
            "recall": (inside / tokens.clamp(min=1)).flatten().numpy(),
            "f1": (2 * inside / (active + tokens).clamp(min=1)).flatten().numpy(),
        }
    )


def select_latents(
    counts: LatentCounts,
    planted: PlantedCounts,
    *,
    largest_effect: Float[Tensor, " d_sae"],
    config: SelectionConfig,
) -> pd.DataFrame:
    """The latents to explore and why: latent, reason, planted_kind, -_precision and -_recall.

    First the best matches of each planted context. Then the largest mean activation times
    `largest_effect`, what the latent adds to the logit it raises most. Then one random latent of
    each stratum when the other live latents are ordered by density and cut into equally many: each
    is as likely as any other. A latent appears once, and never if it is dead.
    """
    matches = planted_matches(counts, planted)
    chosen = _best_matches(matches, n=config.n_per_planted_kind)
    strength = largest_effect.double().cpu() * counts.mean_activation().cpu()
    free = _free(strength, counts, taken=chosen)[::-1]
    chosen |= dict.fromkeys(free[: config.n_by_effect], "largest effect on a logit")
    free = _free(counts.active.cpu(), counts, taken=chosen)
    chosen |= _one_of_each_stratum(free, n=config.n_latents - len(chosen), seed=config.seed)
    return _with_planted(chosen, matches)


def _best_matches(matches: pd.DataFrame, *, n: int) -> dict[int, str]:
    """The `n` best of each context; a latent counts for the one it matches best."""
    ordered = matches.query("f1 > 0").sort_values("f1", ascending=False, kind="stable")
    best = ordered.drop_duplicates("latent").groupby("kind").head(n)
    best = best.sort_values(["kind", "f1"], ascending=[True, False], kind="stable")
    return {
        int(latent): f"matches {kind}"
        for latent, kind in zip(best["latent"], best["kind"], strict=True)
    }


def _free(key: Tensor, counts: LatentCounts, *, taken: dict[int, str]) -> list[int]:
    """The live latents not yet `taken`, by ascending `key`."""
    live = counts.active.cpu() > 0
    order = key.argsort(stable=True)
    return [latent for latent in order[live[order]].tolist() if latent not in taken]


def _one_of_each_stratum(free: list[int], *, n: int, seed: int) -> dict[int, str]:
    """A random latent of each of `n` equally large pieces of `free`."""
    generator = torch.Generator().manual_seed(seed)
    n = min(n, len(free))
    edges = [round(i * len(free) / n) for i in range(n + 1)] if n else []
    picks = [
        int(torch.randint(low, high, (), generator=generator)) for low, high in pairwise(edges)
    ]
    return {
        free[pick]: f"random, density stratum {stratum} of {n}"
        for stratum, pick in enumerate(picks, start=1)
    }


def _with_planted(chosen: dict[int, str], matches: pd.DataFrame) -> pd.DataFrame:
    """One row per latent, with the context that it was chosen for or prefers, if there is one."""
    best = matches.sort_values("f1", ascending=False, kind="stable").drop_duplicates("latent")
    best = best.set_index("latent").loc[list(chosen)]
    reason = pd.Series(chosen, index=best.index, dtype=object)
    prefers = reason.str.startswith("matches").astype(bool) | (best["precision"] >= PREFERRED)
    return pd.DataFrame(
        {
            "latent": best.index,
            "reason": reason.to_numpy(),
            "planted_kind": best["kind"].where(prefers, "").to_numpy(),
            "planted_precision": best["precision"].where(prefers).to_numpy(),
            "planted_recall": best["recall"].where(prefers).to_numpy(),
        }
    )
