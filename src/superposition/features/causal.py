"""Checks by intervention: latents taken away, held at their largest activation, and weighed."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Int
from scipy import sparse
from torch import Tensor

from superposition.core.compute import progress
from superposition.features import ablation, pinning
from superposition.features.activation_shares import shares_by_interval
from superposition.features.intervention_setting import CausalConfig, Setting, prepare
from superposition.features.recording import PROXY, columns, labelled_text
from superposition.features.streaming import sample_windows
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer
from superposition.saes.base import SAE

PAPERS_PROMPT = "1,2,3,4,5,6,7,8,9,10"
"""Source: Towards Monosemanticity, Arabic feature, pinning."""
PAPERS = -1
"""Number of that prompt among the samples."""
POOL = 8
"""Times as many prompts as a concept needs are held ready, since some have the concept in them."""
N_SHOWN = 2
"""Other prompts of which samples are kept."""
KEYS = ["concept", "name", "group", "planted", "latent"]
"""What identifies a row, as in contexts/concepts.parquet."""


class Causal(NamedTuple):
    """What the interventions did, one frame causal/<name>.parquet each."""

    ablation: pd.DataFrame
    """One row per concept: its latent taken away."""
    curves: pd.DataFrame
    """The effects by tenths of the activation."""
    pinning: pd.DataFrame
    """One row per concept: its latent held."""
    samples: pd.DataFrame
    """Some continuations of the planted contexts' latents."""
    intervals: pd.DataFrame
    """Of random latents, what lies in each interval of activation."""


@torch.no_grad()
def intervene(
    model: OneLayerTransformer,
    sae: SAE,
    stream: TokenStream,
    *,
    labels: sparse.csr_array,
    choosing: Bool[Tensor, " n_tokens"],
    concepts: pd.DataFrame,
    next_tokens: pd.DataFrame,
    papers_prompt: Int[Tensor, " seq"],
    config: CausalConfig,
    dtype: torch.dtype,
) -> Causal:
    """All interventions on the latents that `concepts`, as contexts/concepts.parquet, has chosen.

    Column i of `labels` is concept i; `next_tokens` is contexts/next_tokens.parquet.
    """
    windows = sample_windows(
        stream, n_ctx=model.config.n_ctx, n_tokens=config.n_tokens, seed=config.seed
    )
    concepts = concepts.loc[concepts["group"] != PROXY].reset_index(drop=True)
    wanted = sparse.csr_matrix(labels)[:, concepts["concept"].to_numpy()]
    text = labelled_text(windows, sparse.csr_array(wanted), choosing)
    setting = prepare(model, sae, windows, text, config=config, dtype=dtype)
    ablated, curves = _ablations(setting, concepts)
    held, samples = _pinnings(setting, concepts, next_tokens, papers_prompt.long())
    return Causal(ablated, curves, held, samples, shares_by_interval(setting))


def _ablations(setting: Setting, concepts: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(setting.config.seed)
    inside = setting.text.labels[setting.text.half(reported=True)].toarray() > 0
    latents = concepts["latent"].to_numpy()
    rows, curves = [], []
    for i, latent in enumerate(progress(latents, "taking latents away", total=len(latents))):
        direction = setting.sae.W_dec[int(latent)].float()
        found = ablation.ablate(
            setting.model,
            setting.reading,
            columns(setting.acts, np.array([latent]))[:, 0],
            direction=direction,
            weights=(direction @ setting.weights).double().cpu().numpy(),
            inside=inside[:, i],
            n_cases=setting.config.n_cases,
            rng=rng,
        )
        rows.append(_flat(found))
        curves.append(found.curve.assign(concept=concepts["concept"][i]))
    together = pd.concat(curves, ignore_index=True)
    together = together.loc[:, ["concept", *together.columns.drop("concept")]]
    return pd.concat([concepts[KEYS], pd.DataFrame(rows)], axis=1), together


def _flat(found: ablation.Ablated) -> dict[str, int | float]:
    """`found` without its curve, a column for each number."""
    sides = {
        f"{name}_{side}": value
        for side, effect in (("on", found.on), ("off", found.off))
        for name, value in zip(("n", "effect", "low", "high"), effect, strict=True)
    }
    rest = ("trend", "trend_low", "trend_high", "logit_agreement")
    return sides | {name: getattr(found, name) for name in rest}


def _pinnings(
    setting: Setting, concepts: pd.DataFrame, next_tokens: pd.DataFrame, papers_prompt: Tensor
) -> tuple[pd.DataFrame, pd.DataFrame]:
    prompts, present = _prompts(setting)
    free = _continued(setting, prompts, None)
    paper_free = _continued(setting, papers_prompt[None], None)
    strongest = np.asarray(setting.acts.max(axis=0).todense()).ravel()
    latents = concepts["latent"].to_numpy()
    ids, planted = concepts["concept"].tolist(), concepts["planted"].tolist()
    rows, samples = [], []
    for i, latent in enumerate(progress(latents, "holding latents", total=len(latents))):
        pin = pinning.Pin(int(latent), float(strongest[latent]))
        which = torch.from_numpy(np.flatnonzero(~present[:, i])[: setting.config.n_prompts])
        concept = ids[i]
        held = _continued(setting, prompts[which], pin)
        belongs = np.zeros(setting.model.d_vocab, dtype=bool)
        belongs[next_tokens.loc[next_tokens["concept"] == concept, "token"].to_numpy()] = True
        found = pinning.compare(held.numpy(), free[which].numpy(), belongs)
        rows.append(found._asdict() | {"activation": pin.activation})
        if planted[i]:
            paper = papers_prompt, _continued(setting, papers_prompt[None], pin)[0], paper_free[0]
            others = zip(prompts[which], held, free[which], strict=True)
            samples += _samples(concept, [paper, *list(others)[:N_SHOWN]])
    table = pd.concat([concepts[KEYS], pd.DataFrame(rows)], axis=1)
    columns_of_samples = ["concept", "prompt", "pinned", "read", "written"]
    return table, pd.DataFrame(samples, columns=columns_of_samples)


def _continued(setting: Setting, prompts: Tensor, pin: pinning.Pin | None) -> Tensor:
    config = setting.config
    return pinning.continuations(
        setting.model, setting.sae, prompts, pin=pin, n_new=config.n_new, seed=config.seed
    )


def _prompts(setting: Setting) -> tuple[Tensor, np.ndarray]:
    """Beginnings of windows of the reported half, and which concepts each has a token of."""
    config, text = setting.config, setting.text
    n_windows, seq = setting.windows.position.shape
    length = min(config.prompt_tokens, seq - config.n_new)
    reported = text.reported.reshape(n_windows, seq)[:, :length].all(axis=1)
    pool = np.flatnonzero(reported)[: POOL * config.n_prompts]
    rows = (pool[:, None] * seq + np.arange(length)).ravel()
    labels = text.labels[rows].toarray().reshape(len(pool), length, -1)
    return setting.windows.tokens[torch.from_numpy(pool), :length], labels.any(axis=1)


def _samples(
    concept: int, shown: list[tuple[Tensor, Tensor, Tensor]]
) -> list[tuple[int, int, bool, list[int], list[int]]]:
    """Rows of the frame causal/samples.parquet; the paper's prompt comes first."""
    return [
        (concept, PAPERS + number, pinned, read.tolist(), written.tolist())
        for number, (read, held, free) in enumerate(shown)
        for pinned, written in ((True, held), (False, free))
    ]
