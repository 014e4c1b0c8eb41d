"""The tokenizer, and the token streams of both sides of the split.

Byte-level BPE, so that every text has tokens and every token is some bytes. Letters, digits,
punctuation and white space are never in one token, apart from one character before a word (` the`,
`_name`, `.join`); a digit is always a token of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Int
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor

from superposition.core.compute import progress
from superposition.language.planted import KINDS

SEPARATOR = "<|endoftext|>"
SEPARATOR_ID = 0
"""The token before every document."""
N_BYTES = 256
WORD = (
    r"[^\r\n\p{L}\p{N}]?\p{L}+"  # a word with the space, underscore or dot before it
    r"|\p{N}"  # one digit
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*"  # punctuation, with the end of the line
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"  # ends of lines, indentation
)
"""What BPE may merge: only characters within one match.

Source: the pattern of OpenAI's cl100k_base, which keeps indentation together.
Differs: one digit instead of up to three, so that how a number is cut never depends on its length;
English contractions are not set apart, because the text is code.
"""
BATCH_DOCUMENTS = 64
"""Documents encoded at once, on all processors."""


@dataclass(frozen=True, kw_only=True)
class TokensConfig:
    """The tokenizer and the order of the documents."""

    vocab_size: int
    """Tokens, with the separator and the 256 bytes."""
    sample_bytes: int
    """Bytes of training text from which merges are counted; more changes little but the time."""
    seed: int
    """Of the order of the documents in each stream, and so of the sample."""

    def __post_init__(self) -> None:
        if self.vocab_size < N_BYTES + 1:
            raise ValueError(
                f"vocab_size={self.vocab_size} is below {N_BYTES + 1}: the bytes and the separator"
            )
        if self.sample_bytes < 1:
            raise ValueError(f"sample_bytes={self.sample_bytes} is not positive")


class TokenStream(NamedTuple):
    """Documents as one stream of tokens, each with the separator before it."""

    tokens: Int[Tensor, " n_tokens"]
    """Token ids, int32."""
    document: Int[Tensor, " n_documents"]
    """Which document comes where, int32 ids as in documents.parquet."""
    start: Int[Tensor, " n_documents+1"]
    """Index of each document's separator, int64; at the end, the number of tokens."""


class TokenCounts(NamedTuple):
    """How many tokens there are of what."""

    vocab_size: int
    """Tokens in the vocabulary, the separator included."""
    train_tokens: int
    """Tokens to train on, separators and planted text included."""
    held_out_tokens: int
    """Tokens held out, separators and planted text included."""
    bytes_per_token: float
    """Bytes of text by tokens of text, over both sides, without separators."""
    base64_tokens: int
    """Tokens of planted base64 on both sides, without separators."""
    hexadecimal_tokens: int
    """Tokens of planted hexadecimal on both sides, without separators."""
    dna_tokens: int
    """Tokens of planted DNA on both sides, without separators."""


def train_tokenizer(texts: list[str], config: TokensConfig) -> Tokenizer:
    """Byte-level BPE with merges counted on a seeded sample of `texts`.

    It has fewer than `vocab_size` tokens if the sample is too small to give that many merges.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORD), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=config.vocab_size,
        special_tokens=[SEPARATOR],
        initial_alphabet=sorted(_bytes_of_characters()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_sample(texts, config), trainer)
    return tokenizer


def encode(tokenizer: Tokenizer, documents: pd.DataFrame, *, seed: int) -> TokenStream:
    """The tokens of `documents` (columns document and text) in seeded order."""
    plain = _without_special(tokenizer)
    order = np.random.default_rng(seed).permutation(len(documents))
    shuffled = documents.iloc[order]
    texts = shuffled["text"].to_list()
    batches = range(0, len(texts), BATCH_DOCUMENTS)
    encoded = [
        np.array([SEPARATOR_ID, *encoding.ids], dtype=np.int32)
        for start in progress(batches, "encoding")
        for encoding in plain.encode_batch_fast(texts[start : start + BATCH_DOCUMENTS])
    ]
    ends = np.cumsum([0, *(len(ids) for ids in encoded)])
    return TokenStream(
        tokens=torch.from_numpy(np.concatenate(encoded)),
        document=torch.from_numpy(shuffled["document"].to_numpy(dtype=np.int32, copy=True)),
        start=torch.from_numpy(ends.astype(np.int64)),
    )


def counts(
    tokenizer: Tokenizer, streams: dict[str, TokenStream], documents: pd.DataFrame
) -> TokenCounts:
    """What the `streams` of both sides, train and held_out, hold of `documents`."""
    lengths = pd.concat(
        pd.Series(stream.start.diff().numpy() - 1, index=stream.document.numpy())
        for stream in streams.values()
    )
    kinds = documents.set_index("document")["kind"].reindex(lengths.index)
    of_kind = {kind: int(lengths[(kinds == kind).to_numpy()].sum()) for kind in KINDS}
    n_bytes = sum(len(text.encode()) for text in documents["text"])
    return TokenCounts(
        vocab_size=tokenizer.get_vocab_size(),
        train_tokens=len(streams["train"].tokens),
        held_out_tokens=len(streams["held_out"].tokens),
        bytes_per_token=n_bytes / int(lengths.sum()),
        base64_tokens=of_kind["base64"],
        hexadecimal_tokens=of_kind["hexadecimal"],
        dna_tokens=of_kind["dna"],
    )


def encode_text(tokenizer: Tokenizer, text: str) -> Int[Tensor, " n_tokens"]:
    """The tokens of one `text`, without a separator before it."""
    return torch.tensor(_without_special(tokenizer).encode(text).ids, dtype=torch.int32)


def decode(tokenizer: Tokenizer, tokens: Int[Tensor, " n_tokens"]) -> str:
    """The text of `tokens`, separators spelled out."""
    return tokenizer.decode(tokens.tolist(), skip_special_tokens=False)


def token_bytes(tokenizer: Tokenizer, token: int) -> bytes:
    """The bytes that `token` stands for; those of its name for the separator."""
    name = tokenizer.id_to_token(token)
    if name is None:
        size = tokenizer.get_vocab_size()
        raise ValueError(f"token={token} is not in the vocabulary; allowed: 0 to {size - 1}")
    if token == SEPARATOR_ID:
        return name.encode()
    return bytes(_bytes_of_characters()[character] for character in name)


def decode_token(tokenizer: Tokenizer, token: int) -> str:
    r"""One token for a table: its text, with what cannot be shown as an escape.

    A newline is ⏎, a tab ⇥, another control character or a piece of a character `\x1b`; a space
    stays a space.
    """
    text = token_bytes(tokenizer, token).decode(errors="backslashreplace")
    text = text.replace("\n", "⏎").replace("\t", "⇥")
    return "".join(
        character if character.isprintable() else _escape(character) for character in text
    )


def _sample(texts: list[str], config: TokensConfig) -> Iterator[str]:
    total = 0
    for index in np.random.default_rng(config.seed).permutation(len(texts)):
        if total >= config.sample_bytes:
            return
        yield texts[index]
        total += len(texts[index].encode())


def _without_special(tokenizer: Tokenizer) -> Tokenizer:
    """A copy for which a separator spelled out in a text is text like any other.

    The setting is not part of a saved tokenizer, and code about language models spells it often.
    """
    plain = Tokenizer.from_str(tokenizer.to_str())
    plain.encode_special_tokens = True
    return plain


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


@cache
def _bytes_of_characters() -> dict[str, int]:
    """The byte that each character of a token's name stands for.

    Source: GPT-2's byte-level BPE: printable Latin-1 stands for itself, the other bytes, in order,
    for the characters from 256 on.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(N_BYTES) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {
        chr(N_BYTES + index): byte for index, byte in enumerate(others)
    }
