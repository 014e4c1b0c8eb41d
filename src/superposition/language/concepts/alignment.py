"""From spans of text to tokens, by one rule.

A token has a concept if any of its bytes other than spaces and tabs lies in one of the concept's
spans; a token of nothing but spaces and tabs has it if any of its bytes does.

Tokens straddle what a parser keeps apart: `):⏎` closes a bracket, opens a block and ends a line,
and `.join` is an operator and a name. The token then has the concepts of all its parts, because
after reading it, a model knows of all of them. The space that the tokenizer puts before a word
belongs to no part.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from numpy import ndarray
from tokenizers import Tokenizer

from superposition.language.concepts.spans import SpanTable
from superposition.language.tokens import SEPARATOR_ID, token_bytes

BLANK = b" \t"
"""What counts for nothing beside other bytes."""


class Vocabulary(NamedTuple):
    """The bytes of every token that count, by token id."""

    length: Int[ndarray, " d_vocab"]
    """Bytes of text; 0 for the separator."""
    first: Int[ndarray, " d_vocab"]
    """Index of the first byte that counts."""
    end: Int[ndarray, " d_vocab"]
    """Index after the last byte that counts."""


class Extents(NamedTuple):
    """Where the tokens of one document lie in its bytes: what counts of each."""

    start: Int[ndarray, " n_tokens"]
    """The first byte that counts, ascending."""
    stop: Int[ndarray, " n_tokens"]
    """The byte after the last that counts, ascending."""


class Pieces(NamedTuple):
    """Tokens of one document by their part in a word."""

    whole: Int[ndarray, " n_whole"]
    """Those that hold a whole word."""
    first: Int[ndarray, " n_first"]
    """Those that hold the beginning of a word of several tokens."""
    later: Int[ndarray, " n_later"]
    """Those that hold a later part of one."""


def vocabulary(tokenizer: Tokenizer) -> Vocabulary:
    """What counts of each token of `tokenizer`."""
    ids = range(tokenizer.get_vocab_size())
    contents = [b"" if token == SEPARATOR_ID else token_bytes(tokenizer, token) for token in ids]
    parts = [counting_part(content) for content in contents]
    columns = ([len(content) for content in contents], *zip(*parts, strict=True))
    return Vocabulary(*(np.array(column, dtype=np.int64) for column in columns))


def counting_part(content: bytes) -> tuple[int, int]:
    r"""The bytes of a token without the spaces and tabs at its ends, as start and stop.

    >>> counting_part(b" the"), counting_part(b"   "), counting_part(b"  \n")
    ((1, 4), (0, 3), (2, 3))
    """
    if not content.strip(BLANK):
        return 0, len(content)
    return len(content) - len(content.lstrip(BLANK)), len(content.rstrip(BLANK))


def extents(tokens: Int[ndarray, " n_tokens"], of: Vocabulary) -> Extents:
    """Where the `tokens` of one document, without its separator, lie in its bytes."""
    begin = np.cumsum(of.length[tokens]) - of.length[tokens]
    return Extents(begin + of.first[tokens], begin + of.end[tokens])


def label(
    spans: SpanTable, places: Extents, *, n_concepts: int
) -> tuple[Int[ndarray, " n_labels"], Int[ndarray, " n_labels"]]:
    """Token indices and concept ids of all labels, ascending by token, then by concept."""
    low, high = _tokens_of(spans, places)
    counts = high - low
    offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    token = np.repeat(low, counts) + offsets
    pairs = np.unique(token * n_concepts + np.repeat(spans.concept, counts))
    return pairs // n_concepts, pairs % n_concepts


def word_pieces(words: SpanTable, places: Extents) -> Pieces:
    """How the tokens of a document share its `words`, runs of letters."""
    low, high = _tokens_of(words, places)
    several = high - low > 1
    later = np.zeros(len(places.start) + 1, dtype=np.int64)
    np.add.at(later, low[several] + 1, 1)
    np.add.at(later, high[several], -1)
    return Pieces(
        whole=low[high - low == 1],
        first=low[several],
        later=np.flatnonzero(np.cumsum(later)[:-1] > 0),
    )


def _tokens_of(
    spans: SpanTable, places: Extents
) -> tuple[Int[ndarray, " n_spans"], Int[ndarray, " n_spans"]]:
    """The first token of each span and the token after its last."""
    low = np.searchsorted(places.stop, spans.start, side="right")
    high = np.searchsorted(places.start, spans.stop, side="left")
    return low, np.maximum(low, high)
