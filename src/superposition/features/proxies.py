"""How likely a token lies in a context, by the characters alone: the paper's feature proxies.

A context is modelled as random characters of an alphabet, all text as random tokens. The proxy of a
token is the log-likelihood ratio of the most telling string that ends there.
"""

import string
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int
from tokenizers import Tokenizer

from superposition.language.planted import Kind
from superposition.language.tokens import token_bytes

OUTSIDE = 1e-10
"""Probability of a character that is not in the alphabet. Source: Towards Monosemanticity,
appendix, Feature Proxies."""
_WORD = string.ascii_letters + string.digits
ALPHABETS: dict[Kind, tuple[str, ...]] = {
    "base64": (_WORD + "+/", _WORD + "-_"),
    "hexadecimal": (string.digits + "abcdef", string.digits + "ABCDEF"),
    "dna": ("ACGT", "acgt"),
}
"""The characters of each planted context, each as likely; of several alphabets the best counts.
Source: same, for base64 (64 characters) and DNA (4). Differs: hexadecimal is added, base64 also in
its URL-safe form and DNA also in small letters, because they are planted."""
AT_LEAST: dict[Kind, int] = {"base64": 1, "hexadecimal": 1, "dna": 2}
"""Tokens of the shortest string considered. Source: same; DNA needs two tokens, since single
capitals are common."""


def vocabulary_of(tokenizer: Tokenizer) -> list[bytes]:
    """The bytes of every token, by id."""
    return [token_bytes(tokenizer, token) for token in range(tokenizer.get_vocab_size())]


def unigram(tokens: Int[np.ndarray, " token"], *, d_vocab: int) -> Float[np.ndarray, " d_vocab"]:
    """log P of every token by its share of `tokens`; one that never occurs counts as seen once."""
    counts = np.bincount(tokens, minlength=d_vocab)
    return np.log(np.maximum(counts, 1) / len(tokens))


def log_ratios(
    vocabulary: Sequence[bytes], log_p: Float[np.ndarray, " d_vocab"], *, alphabet: str
) -> Float[np.ndarray, " d_vocab"]:
    """log P(s | context) - log P(s) of every token s of the `vocabulary`.

    P(s | context) is a product over characters: 1 / |alphabet| for those of the `alphabet`, else
    1e-10. P(s) is the token's share of all text.
    """
    inside, outside = -np.log(len(alphabet)), np.log(OUTSIDE)
    letters = set(alphabet.encode())
    in_context = [sum(inside if byte in letters else outside for byte in s) for s in vocabulary]
    return np.array(in_context) - log_p


def best_string(
    ratios: Float[np.ndarray, " token"],
    start: Int[np.ndarray, " document_and_end"],
    *,
    at_least: int,
) -> Float[np.ndarray, " token"]:
    """The largest sum of `ratios` over the strings of tokens that end at each token.

    max over j <= t - at_least of r_(j+1) + ... + r_t, in one pass: a sum from the beginning minus
    its smallest earlier value. Strings stay inside a document and hold at least `at_least` tokens;
    where there is none, and on the separator that begins each document, the result is -inf.
    """
    best = np.full(len(ratios), -np.inf)
    for first, end in pairwise(start.tolist()):
        sums = np.concatenate([[0.0], np.cumsum(ratios[first + 1 : end])])
        if len(sums) > at_least:
            lowest = np.minimum.accumulate(sums[:-at_least])
            best[first + at_least : end] = sums[at_least:] - lowest
    return best


def proxies(
    tokens: Int[np.ndarray, " token"],
    start: Int[np.ndarray, " document_and_end"],
    *,
    vocabulary: Sequence[bytes],
    kind: Kind,
) -> Float[np.ndarray, " token"]:
    """The proxy of the context `kind` for every token of a stream, in nats. Above 0: likely inside.

    Source: Towards Monosemanticity, appendix, Feature Proxies: the maximum over strings s ending at
    the token of log P(s | context) / P(s).
    """
    log_p = unigram(tokens, d_vocab=len(vocabulary))
    each = [
        best_string(
            log_ratios(vocabulary, log_p, alphabet=alphabet)[tokens], start, at_least=AT_LEAST[kind]
        )
        for alphabet in ALPHABETS[kind]
    ]
    return np.maximum.reduce(each)
