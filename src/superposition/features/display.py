"""Tokens as inert HTML: what a latent fires on, for the pages.

The text comes from anywhere, so nothing in it may act: markup, bidirectional controls, line breaks
and combining marks all come out as visible characters.
"""

import math
import unicodedata
from collections.abc import Sequence

VISIBLE = {"\n": "⏎", "\t": "⇥"}
"""The white space that code is full of, as the symbols editors use for it."""


def highlight(
    tokens: Sequence[str],
    activations: Sequence[float],
    *,
    offset: int,
    maximum: float | None = None,
) -> str:
    """One line of HTML: every token shaded by its activation, the token at `offset` marked.

    Each token is a `<bdi>` of class `token` (the one at `offset` also `at`) with the custom
    property `--activation` between 0 and 1 for the style sheet, which also has to keep spaces
    (`white-space: pre-wrap`). Full strength is `maximum`, or the largest activation here.

    >>> highlight(["a", "<b>"], [0.0, 2.0], offset=1).count("&#60;b&#62;")
    2
    """
    if len(tokens) != len(activations):
        raise ValueError(f"{len(tokens)} tokens but {len(activations)} activations")
    if not 0 <= offset < len(tokens):
        raise ValueError(f"offset={offset} is outside the {len(tokens)} tokens")
    full = max(activations) if maximum is None else maximum
    spans = [
        _token(text, activation, full=full, marked=index == offset)
        for index, (text, activation) in enumerate(zip(tokens, activations, strict=True))
    ]
    # The class keeps MathJax from reading dollar signs in the text as formulas.
    return f'<span class="tokens mathjax_ignore" translate="no">{"".join(spans)}</span>'


def visible(text: str) -> str:
    r"""`text` with every character that cannot be seen, or acts on its surroundings, spelt out.

    >>> visible("a\tb\u202ec")
    'a⇥b\\u202ec'
    """
    shown = "".join(_visible_character(character) for character in text)
    if text and unicodedata.category(text[0]).startswith("M"):
        return _escape(text[0]) + shown[1:]  # it would combine with the markup before it
    return shown


def _token(text: str, activation: float, *, full: float, marked: bool) -> str:
    strength = activation / full if full > 0 else 0.0
    strength = min(max(strength, 0.0), 1.0) if math.isfinite(strength) else 0.0
    kind = "token at" if marked else "token"
    shown = _entities(visible(text))
    title = f"{shown} {activation:.3g}"
    return f'<bdi class="{kind}" style="--activation:{strength:.3f}" title="{title}">{shown}</bdi>'


def _visible_character(character: str) -> str:
    if character in VISIBLE:
        return VISIBLE[character]
    return character if character.isprintable() else _escape(character)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _entities(text: str) -> str:
    """`text` with ASCII punctuation as entities, so that neither HTML nor Markdown acts on it."""
    return "".join(
        character
        if character.isalnum() or not character.isascii() or character in " ."
        else f"&#{ord(character)};"
        for character in text
    )
