"""One latent in the pages: where it fires, what it does to the logits, which neurons it is made of.

Token text comes from anywhere, so it goes into the page as raw HTML made of entities alone.
"""

from html import escape
from typing import Any

import pandas as pd
from IPython.display import Markdown

from superposition.artefacts import Features
from superposition.features.display import highlight, visible
from superposition.site import atlas
from superposition.values import fmt

Row = dict[str, Any]

TOP = 0
"""The interval that holds the examples with the largest activations."""
SPACE = "\N{OPEN BOX}"
"""Stands for a space in a token that is shown alone."""
NONE_CHOSEN = "No latent was chosen for this reason at this scale."


def chosen(latents: pd.DataFrame, reason: str) -> int | None:
    """The first latent whose reason for being chosen starts with `reason`, or None.

    The order is the pipeline's: the best match first.
    """
    rows = latents.to_dict("records")
    found = (int(row["latent"]) for row in rows if row["reason"].startswith(reason))
    return next(found, None)


def latent(
    features: Features,
    token_texts: list[str],
    *,
    reason: str,
    intervals: int = 1,
    examples: int = 3,
) -> Markdown:
    """A latent chosen for `reason`: examples from that many activation intervals, logits, neurons.

    The first interval holds the top examples; the others are equal steps of activation downwards,
    taken evenly over the whole range.
    """
    number = chosen(features.latents, reason)
    if number is None:
        return Markdown(NONE_CHOSEN)
    parts = [
        _head(features.latents, number, atlas.address(features.store, features.row, number)),
        _examples(_of(features.examples, number), token_texts, steps=intervals, n=examples),
        _logits(_of(features.logits, number), token_texts),
        _neurons(_of(features.neurons, number)),
    ]
    inner = "".join(parts)
    return Markdown(f'```{{=html}}\n<div class="latent-card">{inner}</div>\n```\n')


def _head(latents: pd.DataFrame, number: int, address: str | None) -> str:
    row = _of(latents, number)[0]
    words = [f"Latent {number}", f"chosen because: {row['reason']}"]
    if row["planted_kind"]:
        precision, recall = (float(row[f"planted_{name}"]) for name in ("precision", "recall"))
        words.append(
            f"{fmt(precision, '%')} of its active tokens lie in planted {row['planted_kind']}, "
            f"and it is active on {fmt(recall, '%')} of those tokens"
        )
    first, *rest = map(_entities, words)
    more = f'; <a href="{address}">its entry in the atlas</a>' if address else ""
    return f'<p class="latent-head"><strong>{first}</strong> {"; ".join(rest)}{more}</p>'


def _examples(rows: list[Row], token_texts: list[str], *, steps: int, n: int) -> str:
    """Contexts by interval, the strongest first, all shaded on one scale."""
    if not rows:
        return "<p>No examples were kept: it was not active on the text that was read.</p>"
    maximum = max(max(row["activations"]) for row in rows)
    parts = []
    for interval in _spread(sorted({int(row["interval"]) for row in rows}), steps):
        kept = _ranked([row for row in rows if row["interval"] == interval], n)
        values = [float(row["activation"]) for row in kept]
        title = "Top examples" if interval == TOP else f"Interval {interval}"
        lines = "".join(f"<li>{_line(row, token_texts, maximum)}</li>" for row in kept)
        spread = f"activation {fmt(min(values))} to {fmt(max(values))}"
        parts.append(f'<p class="interval">{title}, {spread}</p><ol class="examples">{lines}</ol>')
    return "".join(parts)


def _line(row: Row, token_texts: list[str], maximum: float) -> str:
    tokens = [token_texts[token] for token in row["tokens"]]
    activations = [float(value) for value in row["activations"]]
    return highlight(tokens, activations, offset=int(row["offset"]), maximum=maximum)


def _logits(rows: list[Row], token_texts: list[str], *, n: int = 10) -> str:
    """The tokens it makes more and less likely, with the change of their logits."""
    parts = []
    for sign, title in (("up", "More likely next"), ("down", "Less likely next")):
        kept = _ranked([row for row in rows if row["sign"] == sign], n)
        tokens = " ".join(
            f'<bdi class="token" title="{escape(fmt(float(row["effect"]), digits=2))}">'
            f"{_entities(token_texts[row['token']]).replace(' ', SPACE)}</bdi>"
            for row in kept
        )
        parts.append(f"<dt>{title}</dt><dd>{tokens or 'none'}</dd>")
    return f'<dl class="logits mathjax_ignore" translate="no">{"".join(parts)}</dl>'


def _neurons(rows: list[Row], *, n: int = 3) -> str:
    """The neurons with the largest shares of its direction."""
    if not rows:
        return ""
    words = ", ".join(
        f"neuron {int(row['neuron'])} ({fmt(float(row['share']), '%', digits=2)})"
        for row in _ranked(rows, n)
    )
    return f'<p class="latent-neurons">Largest shares of its direction: {words}.</p>'


def _of(table: pd.DataFrame, number: int) -> list[Row]:
    return [row for row in table.to_dict("records") if row["latent"] == number]


def _ranked(rows: list[Row], n: int) -> list[Row]:
    return sorted(rows, key=lambda row: row["rank"])[:n]


def _spread(values: list[int], n: int) -> list[int]:
    """At most n of the values, evenly spread, the first and the last among them."""
    if n >= len(values):
        return values
    if n == 1:
        return values[:1]
    return [values[round(i * (len(values) - 1) / (n - 1))] for i in range(n)]


def _entities(text: str) -> str:
    """`text`, visible, every character that HTML or Markdown might act on as an entity."""
    return "".join(
        character
        if character.isalnum() or not character.isascii() or character == " "
        else f"&#{ord(character)};"
        for character in visible(text)
    )
