import numpy as np
import pandas as pd
import pytest
import torch
from tokenizers import Tokenizer, pre_tokenizers

from superposition.language.tokens import (
    SEPARATOR,
    TokensConfig,
    counts,
    decode,
    decode_token,
    encode,
    encode_text,
    token_bytes,
    train_tokenizer,
)

CODE = [
    'def total_1999(values: list[int]) -> int:\n    """The sum of 1234567890 values."""\n'
    "    return sum(values)  # naïve: 12 + 345\n\n\nclass Node:\n\tname = 'x_2024'\n",
    "for index in range(100):\n    if index % 10 == 0:\n        print(f'{index:>5} of 100')\n",
] * 10
N_TOKENS = 340
CONFIG = TokensConfig(vocab_size=N_TOKENS, sample_bytes=10_000, seed=0)
HARD_TEXTS = [
    "",
    "\t\ttabs\r\nand CRLF\r\n\r\n",
    "emoji 🏳️‍🌈👩🏽‍🚀, Ελληνικά, العربية ٣٤٥, 日本語, Ⅷ½²",
    "\ufeffa mark, a \x00 byte, \x1b[0m, \u2028, \U0010ffff",
    "   trailing   \n\n   ",
    f"one {SEPARATOR} spelled out",
]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(CODE, CONFIG)


@pytest.mark.parametrize("text", [*CODE[:2], *HARD_TEXTS])
def test_decoding_gives_back_the_encoded_text(tokenizer: Tokenizer, text: str) -> None:
    assert decode(tokenizer, encode_text(tokenizer, text)) == text


@pytest.mark.parametrize("text", [*CODE[:2], *HARD_TEXTS])
def test_the_bytes_of_the_tokens_are_the_bytes_of_the_text(tokenizer: Tokenizer, text: str) -> None:
    tokens = encode_text(tokenizer, text).tolist()
    assert b"".join(token_bytes(tokenizer, token) for token in tokens) == text.encode()


def test_no_token_holds_a_digit_and_anything_else(tokenizer: Tokenizer) -> None:
    names = [token_bytes(tokenizer, token).decode(errors="replace") for token in range(N_TOKENS)]
    with_digit = [name for name in names if any(character.isdigit() for character in name)]
    assert sorted(with_digit) == list("0123456789")


@pytest.mark.parametrize("digits", ["1212", "٣٤٣٤", "ⅧⅧ", "12٣٤"])
def test_digits_of_any_script_are_not_merged_however_often_they_meet(digits: str) -> None:
    tokenizer = train_tokenizer([f"a{digits} "] * 50, CONFIG)
    names = [token_bytes(tokenizer, token) for token in encode_text(tokenizer, digits).tolist()]
    assert len(names) == len(digits)
    assert b"".join(names) == digits.encode()


def test_words_keep_the_space_before_them_and_indentation_stays_together(
    tokenizer: Tokenizer,
) -> None:
    tokens = [decode_token(tokenizer, token) for token in range(tokenizer.get_vocab_size())]
    assert {" of", " index", "   "} <= set(tokens)


def test_the_separator_is_token_zero_and_a_spelled_out_one_is_not(tokenizer: Tokenizer) -> None:
    assert token_bytes(tokenizer, 0) == SEPARATOR.encode()
    assert 0 not in encode_text(tokenizer, f"a {SEPARATOR} b").tolist()
    documents = pd.DataFrame({"document": [0, 1], "text": [SEPARATOR, f"x{SEPARATOR}"]})
    assert (encode(tokenizer, documents, seed=0).tokens == 0).sum() == 2


def test_a_saved_tokenizer_encodes_alike(tokenizer: Tokenizer) -> None:
    loaded = Tokenizer.from_str(tokenizer.to_str())
    for text in HARD_TEXTS:
        assert encode_text(loaded, text).tolist() == encode_text(tokenizer, text).tolist()


def test_training_twice_gives_the_same_tokenizer(tokenizer: Tokenizer) -> None:
    assert train_tokenizer(CODE, CONFIG).to_str() == tokenizer.to_str()


def test_a_small_sample_gives_fewer_tokens_than_asked_for() -> None:
    config = TokensConfig(vocab_size=4096, sample_bytes=1, seed=0)
    assert 257 < train_tokenizer(["some words and some words"], config).get_vocab_size() < 300


def test_a_stream_holds_every_document_after_its_separator(tokenizer: Tokenizer) -> None:
    texts = [*CODE[:2], *HARD_TEXTS]
    documents = pd.DataFrame({"document": np.arange(10, 10 + len(texts)), "text": texts})
    stream = encode(tokenizer, documents, seed=3)
    assert sorted(stream.document.tolist()) == documents["document"].to_list()
    assert stream.document.tolist() != documents["document"].to_list()
    assert int(stream.start[-1]) == len(stream.tokens)
    for index, document in enumerate(stream.document.tolist()):
        start, end = stream.start[index : index + 2].tolist()
        assert stream.tokens[start] == 0
        assert decode(tokenizer, stream.tokens[start + 1 : end]) == texts[document - 10]


def test_the_types_are_those_of_the_artefact_and_the_order_hangs_on_the_seed(
    tokenizer: Tokenizer,
) -> None:
    documents = pd.DataFrame({"document": range(20), "text": CODE})
    first, again, other = (encode(tokenizer, documents, seed=seed) for seed in (0, 0, 1))
    assert [part.dtype for part in first] == [torch.int32, torch.int32, torch.int64]
    assert torch.equal(first.document, again.document)
    assert not torch.equal(first.document, other.document)


def test_the_counts_are_those_of_the_encoded_texts(tokenizer: Tokenizer) -> None:
    kinds = ["package", "dna", "base64", "dna"]
    texts = ["x = [1, 2]\n", "ACGT" * 20, "QUJD" * 9, "TTTT" * 5]
    documents = pd.DataFrame({"document": range(4), "kind": kinds, "text": texts})
    sides = {"train": documents.head(3), "held_out": documents.tail(1)}
    streams = {side: encode(tokenizer, table, seed=0) for side, table in sides.items()}
    lengths = [len(encode_text(tokenizer, text)) for text in texts]
    found = counts(tokenizer, streams, documents)
    assert (found.train_tokens, found.held_out_tokens) == (sum(lengths[:3]) + 3, lengths[3] + 1)
    assert (found.dna_tokens, found.base64_tokens) == (lengths[1] + lengths[3], lengths[2])
    assert found.hexadecimal_tokens == 0
    assert found.bytes_per_token == len("".join(texts)) / sum(lengths)
    assert found.vocab_size == N_TOKENS


def test_tokens_are_shown_exactly(tokenizer: Tokenizer) -> None:
    token_of = {token_bytes(tokenizer, token): token for token in range(N_TOKENS)}
    shown = {b"\n": "⏎", b"\t": "⇥", b"\xf0": "\\xf0", b"\x1b": "\\x1b", b" ": " ", b"a": "a"}
    for content, expected in shown.items():
        assert decode_token(tokenizer, token_of[content]) == expected
    assert len({decode_token(tokenizer, token) for token in range(N_TOKENS)}) == N_TOKENS


def test_every_byte_has_its_token(tokenizer: Tokenizer) -> None:
    contents = {token_bytes(tokenizer, token) for token in range(N_TOKENS)}
    assert {bytes([byte]) for byte in range(256)} <= contents
    assert len(pre_tokenizers.ByteLevel.alphabet()) == 256


def test_a_token_outside_the_vocabulary_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(ValueError, match="token=340 is not in the vocabulary; allowed: 0 to 339"):
        token_bytes(tokenizer, 340)


@pytest.mark.parametrize(("name", "value"), [("vocab_size", 256), ("sample_bytes", 0)])
def test_impossible_parameters_are_refused(name: str, value: int) -> None:
    values = {"vocab_size": 400, "sample_bytes": 100, "seed": 0} | {name: value}
    with pytest.raises(ValueError, match=f"{name}={value}"):
        TokensConfig(**values)
