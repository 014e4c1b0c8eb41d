"""The five tests that the paper puts to its chosen features, put to the best latent of any concept.

    specific     active inside the concept, and where strongly active, hardly anywhere else
    sensitive    its activation correlates with the concept
    effective    it raises the logits of the tokens that follow in the concept
    no neuron    no neuron correlates nearly as well, and its direction is spread over neurons
    universal    a second transformer has a latent that is active on the same tokens

Units are chosen on one half of the documents, everything is reported on the other.
Source: Towards Monosemanticity, Detailed Investigations of Individual Features.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float
from scipy import sparse
from torch import Tensor

from superposition.features import logit_tests, window_correlations
from superposition.features.context_units import Chosen, choose
from superposition.features.neurons import concentration
from superposition.features.recording import LabelledText, columns
from superposition.features.specificity import gaps, groups, specific_latents, specificity
from superposition.features.window_correlations import Correlated

TOP_PRECISION = 0.9
"""Specific: precision of the strongest tenth of the active tokens. Source: 98% above an activation
of 5, Arabic feature; with room for labels that are ours."""
CORRELATION = 0.6
"""Sensitive: Pearson correlation with the concept. Source: 0.74 with the Arabic proxy, 0.8 DNA,
0.55 Hebrew, 0.38 base64."""
LOGIT_AREA = 0.9
"""Effective: area under the ROC curve of the logit weights. Source: two modes of logit weights
that hardly overlap, Arabic feature."""
NEURON_GAP = 0.2
"""Not a neuron: by how much the latent's correlation exceeds that of the best neuron."""
TOP_SHARE = 0.35
"""Not a neuron: largest share of the squared direction in one neuron."""
UNIVERSAL = 0.8
"""Universal: correlation with the best latent of a second model. Source: 0.91 Arabic, 0.92 DNA and
Hebrew, 0.85 base64."""
TESTS = ("specific", "sensitive", "effective", "no_neuron", "universal")
"""The columns with the outcomes."""
N_TOP = 20
"""Top examples of a neuron. Source: same, "top dataset examples"."""
MIN_TOKENS = 50
"""Tokens of a concept that each half must have for it to be tested."""


class Units(NamedTuple):
    """What is known of an autoencoder's latents."""

    acts: sparse.csr_matrix
    """Activations, token by latent."""
    W_dec: Float[Tensor, "d_sae d_mlp"]
    """Directions."""
    readout: Float[Tensor, "d_mlp d_vocab"]
    """Change of every logit of their transformer per unit of every neuron."""


class Outcomes(NamedTuple):
    """What came out."""

    concepts: pd.DataFrame
    """One row per concept. Frame: contexts/concepts.parquet."""
    groups: pd.DataFrame
    """Precision by activation. Frame: contexts/groups.parquet."""
    next_tokens: pd.DataFrame
    """The tokens that follow each concept. Frame: contexts/next_tokens.parquet."""


def run_tests(
    units: Units,
    neurons: Float[Tensor, "token d_mlp"],
    partner: Units,
    text: LabelledText,
    *,
    names: pd.DataFrame,
    seed: int,
) -> Outcomes:
    """The five tests for the concepts of `names`: columns concept, name, group, kind, planted.

    Column i of `text.labels` is the concept of row i. Concepts with too few tokens in a half are
    left out.
    """
    enough = _enough(text)
    names = names.loc[enough].reset_index(drop=True)
    text = text._replace(labels=text.labels[:, np.flatnonzero(enough)])
    chosen = choose(units.acts, neurons, partner.acts, text, seed=seed)
    rows, d_vocab = text.half(reported=False), units.readout.shape[1]
    lifts, judged = logit_tests.next_lifts(
        text.labels[rows], text.next_token[rows], d_vocab=d_vocab
    )
    grouped = _groups(units.acts, text, chosen, names=names)
    parts = [
        names,
        _sizes(text),
        _correlations((units.acts, neurons, partner.acts), text, chosen, seed=seed),
        _specificities(grouped, text, names),
        _gaps(units.acts, text, chosen),
        _logits(units, partner, chosen, lifts, judged),
        concentration(units.W_dec[chosen.latent])[["n_large", "top_1"]],
        _top_examples(units.acts, neurons, text, chosen),
    ]
    return Outcomes(with_outcomes(pd.concat(parts, axis=1)), grouped, _next_tokens(names, lifts))


def with_outcomes(table: pd.DataFrame) -> pd.DataFrame:
    """`table` with a column for each of the five tests, and `passed`, how many are passed."""
    passes = {
        "specific": (table["top_precision"] >= TOP_PRECISION)
        & (table["top_precision_low"] > table["share"]),
        "sensitive": table["correlation"] >= CORRELATION,
        "effective": table["logit_area"] >= LOGIT_AREA,
        "no_neuron": (table["neuron_gap"] >= NEURON_GAP) & (table["top_1"] < TOP_SHARE),
        "universal": table["partner_correlation"] >= UNIVERSAL,
    }
    assert tuple(passes) == TESTS
    return table.assign(**passes, passed=sum(outcome.astype(int) for outcome in passes.values()))


def _enough(text: LabelledText) -> Bool[np.ndarray, " concept"]:
    halves = (text.labels[text.half(reported=side)].sum(axis=0) for side in (False, True))
    return np.minimum(*(np.asarray(half).ravel() for half in halves)) >= MIN_TOKENS


def _sizes(text: LabelledText) -> pd.DataFrame:
    """How common each concept is on the half that is reported."""
    n = np.asarray(text.labels[text.half(reported=True)].sum(axis=0)).ravel().astype(np.int64)
    return pd.DataFrame({"n_inside": n, "share": n / max(int(text.reported.sum()), 1)})


def _correlations(
    acts: tuple[sparse.csr_matrix, Tensor, sparse.csr_matrix],
    text: LabelledText,
    chosen: Chosen,
    *,
    seed: int,
) -> pd.DataFrame:
    """Correlations of the chosen units, given the activations of latents, neurons and partner."""
    rows = text.half(reported=True)
    window, labels = text.window[rows], text.labels[rows].toarray()
    ours, neurons, alike = (
        columns(each, units)[rows] for each, units in zip(acts, chosen[:3], strict=True)
    )
    latent = window_correlations.paired(ours, labels, window=window, seed=seed)
    neuron = window_correlations.paired(neurons, labels, window=window, seed=seed)
    both = window_correlations.paired(ours, alike, window=window, seed=seed)
    units = {"latent": chosen.latent, "neuron": chosen.neuron, "partner": chosen.partner}
    return pd.DataFrame(
        units
        | _ends("correlation", latent)
        | {"null_correlation": chosen.null}
        | _ends("neuron_correlation", neuron)
        | _ends("neuron_gap", latent.minus(neuron))
        | _ends("partner_correlation", both)
    )


def _ends(name: str, found: Correlated) -> dict[str, np.ndarray]:
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def _groups(
    latents: sparse.csr_matrix, text: LabelledText, chosen: Chosen, *, names: pd.DataFrame
) -> pd.DataFrame:
    rows = text.half(reported=True)
    acts, labels = columns(latents, chosen.latent)[rows], text.labels[rows].toarray() > 0
    tables = [
        groups(acts[:, i], labels[:, i]).assign(concept=concept)
        for i, concept in enumerate(names["concept"])
    ]
    together = pd.concat(tables, ignore_index=True)
    return together.loc[:, ["concept", *together.columns.drop("concept")]]


def _specificities(grouped: pd.DataFrame, text: LabelledText, names: pd.DataFrame) -> pd.DataFrame:
    sizes = _sizes(text)["n_inside"]
    by_concept = dict(list(grouped.groupby("concept")))
    found = [
        specificity(by_concept[concept], n_inside=int(n))
        for concept, n in zip(names["concept"], sizes, strict=True)
    ]
    return pd.DataFrame(found)


def _gaps(latents: sparse.csr_matrix, text: LabelledText, chosen: Chosen) -> pd.DataFrame:
    choosing, rows = text.half(reported=False), text.half(reported=True)
    specific = specific_latents(latents[choosing], (text.labels[choosing]))
    reported, labels = latents[rows], text.labels[rows].toarray() > 0
    found = [
        gaps(reported, labels[:, i], specific[:, i], unit=int(unit))
        for i, unit in enumerate(chosen.latent)
    ]
    return pd.DataFrame(found)


def _logits(
    units: Units, partner: Units, chosen: Chosen, lifts: np.ndarray, judged: np.ndarray
) -> pd.DataFrame:
    effects = (units.W_dec[chosen.latent].float() @ units.readout).cpu().numpy()
    theirs = (partner.W_dec[chosen.partner].float() @ partner.readout).cpu().numpy()
    areas = [
        logit_tests.area(effects[i, judged], lifts[i, judged] >= logit_tests.LIFT)
        for i in range(len(effects))
    ]
    table = pd.DataFrame(areas).add_prefix("logit_area_")
    centred = [each - each.mean(axis=1, keepdims=True) for each in (effects, theirs)]
    lengths = [np.linalg.norm(each, axis=1) for each in centred]
    cosine = (centred[0] * centred[1]).sum(axis=1) / np.maximum(lengths[0] * lengths[1], 1e-30)
    return table.rename(columns={"logit_area_value": "logit_area"}).assign(
        n_next=(lifts[:, judged] >= logit_tests.LIFT).sum(axis=1),
        partner_logit_correlation=cosine,
    )


def _top_examples(
    latents: sparse.csr_matrix, neurons: Tensor, text: LabelledText, chosen: Chosen
) -> pd.DataFrame:
    """Top examples inside the concept: of the latent, the chosen neuron, and of how many neurons
    at least one."""
    rows = text.half(reported=True)
    labels = text.labels[rows].toarray() > 0
    n = min(N_TOP, len(rows))
    top = neurons[torch.from_numpy(rows)].topk(n, dim=0).indices.numpy()
    acts = columns(latents, chosen.latent)[rows]
    concepts = np.arange(len(chosen.latent))
    strongest = np.argsort(-acts, axis=0, kind="stable")[:n]
    return pd.DataFrame(
        {
            "latent_top_examples": labels[strongest, concepts].sum(axis=0),
            "neuron_top_examples": labels[top[:, chosen.neuron], concepts].sum(axis=0),
            "neurons_with_example": [int(labels[top, i].any(axis=0).sum()) for i in concepts],
        }
    )


def _next_tokens(names: pd.DataFrame, lifts: np.ndarray) -> pd.DataFrame:
    concept, token = np.nonzero(lifts >= logit_tests.LIFT)
    ids = names["concept"].to_numpy()[concept]
    return pd.DataFrame({"concept": ids, "token": token, "lift": lifts[concept, token]})
