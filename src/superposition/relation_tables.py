"""Tables for the figures of universality, splitting and automata: joined, laid out, labelled."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from superposition.features.display import visible
from superposition.features.membership import PLANTED
from superposition.results import Results

MAX_LATENTS = 24
"""Latents of a context drawn at one width: the most precise ones."""
MAX_STATES = 8
"""States of a context drawn: those that predict most often."""
N_MORE = 6
"""Contexts offered beside the planted ones: those with most latents."""
LABEL = 1.17
"""Distance of a state's name from the centre of the circle, over that of the state."""
N_PAIRS = 1_500
"""Pairs of neighbours drawn; a sample if there are more."""
_LINK = ["context", "x", "y", "x2", "y2", "similarity"]


def token(texts: Sequence[str], index: int) -> str:
    """A token as it can be shown, its spaces visible."""
    return visible(texts[index]).replace(" ", "\N{OPEN BOX}") if index < len(texts) else "?"


def correlations(units: pd.DataFrame) -> pd.DataFrame:
    """Correlations of units with their matches and with shuffled ones: kind, correlation.

    `kind` is latent or neuron, or these with ", tokens shuffled": then it is the largest
    correlation over all tokens, to which the match with shuffled tokens is as favourable as can be.
    """
    found = [
        pd.DataFrame({"kind": kind, "correlation": rows["correlation"]})
        for kind, rows in units.groupby("kind", sort=False)
    ]
    found += [
        pd.DataFrame({"kind": f"{kind}, tokens shuffled", "correlation": rows["null_in_sample"]})
        for kind, rows in units.groupby("kind", sort=False)
    ]
    return pd.concat(found, ignore_index=True)


def quartiles(units: pd.DataFrame) -> pd.DataFrame:
    """Quartiles of the correlation for each row and kind: row, kind, low, median, high, n."""
    found = []
    for row, table in units.groupby("row", sort=False):
        for kind, values in correlations(table).groupby("kind", sort=False)["correlation"]:
            low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
            found.append((row, kind, low, median, high, len(values)))
    return pd.DataFrame(found, columns=["row", "kind", "low", "median", "high", "n"])


def with_text(table: pd.DataFrame, texts: Sequence[str]) -> pd.DataFrame:
    """`table` with the column `shown`, the text of its `top_token`."""
    return table.assign(shown=[token(texts, int(index)) for index in table["top_token"]])


def sample_of_pairs(neighbours: pd.DataFrame) -> pd.DataFrame:
    """At most N_PAIRS of them, evenly spread over the table."""
    if len(neighbours) <= N_PAIRS:
        return neighbours
    return neighbours.iloc[np.linspace(0, len(neighbours) - 1, N_PAIRS).astype(int)]


def shown_contexts(contexts: pd.DataFrame) -> list[str]:
    """The planted contexts, and those with most latents in the widest dictionary."""
    widest = contexts.loc[contexts["d_sae"] == contexts["d_sae"].max()]
    order = widest.groupby("context")["n_latents"].sum().sort_values(ascending=False, kind="stable")
    others = [name for name in order.index if name not in PLANTED and order[name] > 0]
    planted = [name for name in PLANTED if order.get(name, 0) > 0]
    return [*planted, *others[:N_MORE]]


def lineage(r: Results) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Latents of a few contexts by width, and the edges between them, laid out from left to right.

    Nodes: context, d_sae, latent, x, y, shown, precision, density. Links: context, x, y, x2, y2,
    similarity. Latents are ordered by where their relatives at the width before lie.
    """
    found, texts = r.splitting, r.token_texts
    latents = found.latents.loc[found.latents["seed"] == found.latents["seed"].min()]
    laid_out = [
        lay_out(latents.loc[latents["context"] == name], found.edges).assign(context=name)
        for name in shown_contexts(found.contexts)
    ]
    columns = ["context", "d_sae", "latent", "x", "y", "shown", "precision", "density"]
    nodes = pd.concat(laid_out, ignore_index=True) if laid_out else pd.DataFrame(columns=columns)
    if not len(nodes):
        return pd.DataFrame(columns=columns), pd.DataFrame(columns=_LINK)
    nodes = with_text(nodes, texts).loc[:, columns]
    return nodes, joined(nodes, found.edges)


def automaton(r: Results) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The states and transitions of the planted contexts, laid out: see `machine`."""
    return machine(r.automata.states, r.automata.transitions)


def machine(states: pd.DataFrame, transitions: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Latents of the planted contexts as states on a circle, and the transitions between them.

    Nodes: context, latent, x, y, label_x, label_y, of (their own context), self_weight. Links:
    context, x, y, x2, y2, source, target, weight, tip_x, tip_y, angle (in degrees, of an arrow
    that points there).
    """
    nodes, links = [], []
    for name in PLANTED:
        inside = states.loc[states["context"] == name].nlargest(MAX_STATES, "n_predicted")
        out = transitions.loc[transitions["source"].isin(inside["latent"])]
        names = dict.fromkeys([*inside["latent"], *out["target"]])
        circle = _circle([int(each) for each in names]).assign(context=name)
        known = states.set_index("latent").reindex(circle["latent"])
        circle = circle.assign(
            of=known["context"].fillna("").replace("", "no context").to_numpy(),
            self_weight=known["self_weight"].fillna(0.0).to_numpy(),
        )
        nodes.append(circle)
        links.append(arrows(circle, out).assign(context=name))
    return pd.concat(nodes, ignore_index=True), pd.concat(links, ignore_index=True)


def loops(samples: pd.DataFrame) -> pd.DataFrame:
    """Share of released tokens on which the latent is active: context, arm, prompt, share."""
    share = samples["n_active"] / samples["n_tokens"]
    return samples.assign(share=share).loc[:, ["context", "arm", "prompt", "share"]]


def widths(latents: pd.DataFrame) -> pd.DataFrame:
    """By width and seed: d_sae, seed, measure, value."""
    measures = {
        "share of single-token latents": ("single_token", "mean"),
        "latents of the commonest word": ("on_commonest_word", "sum"),
    }
    found = []
    for name, (column, how) in measures.items():
        values = latents.groupby(["d_sae", "seed"], sort=True)[column].agg(how).reset_index()
        values = values.rename(columns={column: "value"}).assign(measure=name)
        found.append(values.astype({"value": float}))
    return pd.concat(found, ignore_index=True)


def lay_out(latents: pd.DataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    """`latents` of one context with x (the number of their width) and y (between 0 and 1)."""
    placed: list[pd.DataFrame] = []
    for x, (width, column) in enumerate(latents.groupby("d_sae", sort=True)):
        column = column.nlargest(MAX_LATENTS, "precision")
        if placed:
            before = placed[-1].set_index("latent")["y"]
            into = edges.loc[(edges["fine_d_sae"] == width) & edges["coarse"].isin([*before.index])]
            pull = into.assign(y=before.loc[into["coarse"]].to_numpy()).groupby("fine")["y"].mean()
            column = column.assign(pull=column["latent"].map(pull).fillna(1.0).to_numpy())
            column = column.sort_values(["pull", "latent"], kind="stable").drop(columns="pull")
        placed.append(column.assign(x=x, y=(np.arange(len(column)) + 0.5) / len(column)))
    return pd.concat(placed) if placed else latents.assign(x=0, y=0.0)


def joined(nodes: pd.DataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    """The edges between latents that are drawn, as lines: context, x, y, x2, y2, similarity."""
    where = nodes.loc[:, ["context", "d_sae", "latent", "x", "y"]]
    starts = where.rename(columns={"d_sae": "coarse_d_sae", "latent": "coarse"})
    ends = where.rename(columns={"d_sae": "fine_d_sae", "latent": "fine", "x": "x2", "y": "y2"})
    joined = edges.merge(starts, on=["coarse_d_sae", "coarse"])
    joined = joined.merge(ends, on=["fine_d_sae", "fine", "context"])
    return joined.loc[:, _LINK]


def arrows(circle: pd.DataFrame, transitions: pd.DataFrame) -> pd.DataFrame:
    """The transitions between different states, as lines with a tip near the target."""
    between = transitions.loc[transitions["source"] != transitions["target"]]
    place = circle.set_index("latent").loc[:, ["x", "y"]]
    here = place.loc[between["source"]].to_numpy()
    there = place.loc[between["target"]].to_numpy()
    step = there - here
    tip = here + 0.86 * step
    columns = {
        "x": here[:, 0],
        "y": here[:, 1],
        "x2": there[:, 0],
        "y2": there[:, 1],
        "source": between["source"].to_numpy(),
        "target": between["target"].to_numpy(),
        "weight": between["weight"].to_numpy(),
        "tip_x": tip[:, 0],
        "tip_y": tip[:, 1],
        "angle": np.degrees(np.arctan2(step[:, 0], step[:, 1])) % 360,
    }
    return pd.DataFrame(columns)


def _circle(latents: list[int]) -> pd.DataFrame:
    angle = 2 * np.pi * np.arange(len(latents)) / max(len(latents), 1)
    x, y = np.sin(angle), np.cos(angle)
    columns = {"latent": latents, "x": x, "y": y, "label_x": LABEL * x, "label_y": LABEL * y}
    return pd.DataFrame(columns)
