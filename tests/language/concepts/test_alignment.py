from itertools import pairwise

import numpy as np
import pytest
from tests.language.concepts.snippets import places_of

from superposition.language.concepts import alignment
from superposition.language.concepts.alignment import counting_part, extents, word_pieces
from superposition.language.concepts.catalogue import CATALOGUE
from superposition.language.concepts.spans import Spans, SpanTable, byte_offsets
from superposition.language.tokens import TokensConfig, encode_text, token_bytes, train_tokenizer


def tokens_with(text: str, pieces: list[str], *spans: tuple[int, int]) -> list[int]:
    """The pieces that get a concept with these spans of characters."""
    found = Spans()
    for start, stop in spans:
        found.add("string", start, stop)
    token, _ = alignment.label(found.in_bytes(text), places_of(pieces), n_concepts=len(CATALOGUE))
    return token.tolist()


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ((0, 1), [0]),
        ((1, 2), [1]),  # the dot of `.join`: a token of two parts has the concepts of both
        ((2, 6), [1]),
        ((6, 7), []),  # the space that a word carries
        ((6, 8), [2]),
        ((8, 12), [3, 4]),
        ((11, 12), [4]),
        ((0, 12), [0, 1, 2, 3, 4]),
    ],
)
def test_a_token_has_a_concept_if_a_byte_that_is_no_space_does(
    span: tuple[int, int], expected: list[int]
) -> None:
    text = "a.join b):\n "
    assert tokens_with(text, ["a", ".join", " b", "):\n", " "], span) == expected


def test_overlapping_spans_of_a_concept_give_one_label() -> None:
    assert tokens_with("ab cd", ["ab", " cd"], (0, 4), (1, 5), (3, 5)) == [0, 1]


def test_spans_count_characters_and_tokens_bytes() -> None:
    text = "é = '日本' # ü"
    pieces = ["é", " =", " '", "日本", "'", " #", " ü"]
    assert tokens_with(text, pieces, (5, 7)) == [3]
    assert tokens_with(text, pieces, (11, 12)) == [6]


def test_the_tokens_of_one_character_all_have_its_concept() -> None:
    content = "日".encode()
    spans = SpanTable(np.array([0]), np.array([1]), np.array([4]))
    starts = np.array([0, 1, 2, 3, 4])
    token, _ = alignment.label(spans, alignment.Extents(starts, starts + 1), n_concepts=1)
    assert len(content) == 3
    assert token.tolist() == [1, 2, 3]


@pytest.mark.parametrize("text", ["", "ascii", "é", "a日b😀c", "\ud800"])
def test_byte_offsets_are_those_of_the_encoded_beginnings(text: str) -> None:
    beginnings = [text[:end].encode("utf-8", "surrogatepass") for end in range(len(text) + 1)]
    assert byte_offsets(text).tolist() == [len(beginning) for beginning in beginnings]


def test_labels_agree_with_a_plain_loop_over_tokens_and_spans() -> None:
    rng = np.random.default_rng(0)
    text = "".join(rng.choice(list("ab \n")) for _ in range(200))
    cuts = [0, *sorted(rng.choice(np.arange(1, 200), size=60, replace=False)), 200]
    pieces = [text[a:b] for a, b in pairwise(cuts)]
    starts = rng.integers(0, 200, size=15)
    spans = [(int(a), int(a + rng.integers(0, 20))) for a in starts]
    expected = []
    for index, (cut, piece) in enumerate(zip(cuts, pieces, strict=False)):
        counting = range(
            cut + counting_part(piece.encode())[0], cut + counting_part(piece.encode())[1]
        )
        if any(a <= at < b for at in counting for a, b in spans):
            expected.append(index)
    assert tokens_with(text, pieces, *spans) == expected


def test_tokens_lie_where_their_bytes_are() -> None:
    text = "def f(é):\n    return ' x'\n"
    config = TokensConfig(vocab_size=300, sample_bytes=1000, seed=0)
    tokenizer = train_tokenizer([text] * 3, config)
    tokens = encode_text(tokenizer, text).numpy()
    places = extents(tokens, alignment.vocabulary(tokenizer))
    for token, start, stop in zip(tokens, places.start, places.stop, strict=True):
        content = token_bytes(tokenizer, int(token))
        assert text.encode()[start:stop] == (content.strip(b" \t") or content)


def test_words_are_whole_or_in_pieces() -> None:
    pieces = ["one", " tw", "oo", "oo", " ", "three"]
    starts = np.array([0, 4, 11])
    words = SpanTable(np.zeros(3, dtype=np.int64), starts, np.array([3, 10, 16]))
    found = word_pieces(words, places_of(pieces))
    assert [part.tolist() for part in found] == [[0, 5], [1], [2, 3]]
