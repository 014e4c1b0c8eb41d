import numpy as np
import pandas as pd
import pytest
import torch
from tokenizers import Tokenizer

from superposition.language.concepts.catalogue import CATALOGUE, ID
from superposition.language.concepts.description import (
    ConceptsConfig,
    describe,
    summary,
)
from superposition.language.concepts.labelling import START_TOKENS, LabelledStream, label_stream
from superposition.language.concepts.labels import Labels, halves
from superposition.language.tokens import (
    TokensConfig,
    TokenStream,
    encode,
    token_bytes,
    train_tokenizer,
)

TEXTS = {
    "a.py": "def first(value):\n    return value + 1\n" * 3,
    "b.py": "print 'refused'\nmy_name\n",
    "planted/dna/0": "ACGT" * 20,
    "planted/base64/0": "QUJDREVG" * 9,
    "planted/hexadecimal/0": "0a1b2c3d" * 9,
    "notes.txt": "The end of it all, or naïve words.",
    "d.py": "class Tree:\n    pass\n",
}
KINDS = ["package", "package", "dna", "base64", "hexadecimal", "folder", "package"]
DOCUMENTS = pd.DataFrame(
    {"document": range(len(TEXTS)), "kind": KINDS, "path": [*TEXTS], "text": [*TEXTS.values()]}
)
CONFIG = ConceptsConfig(min_tokens=1)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    config = TokensConfig(vocab_size=330, sample_bytes=10_000, seed=0)
    return train_tokenizer([*TEXTS.values()], config)


@pytest.fixture(scope="module")
def stream(tokenizer: Tokenizer) -> TokenStream:
    return encode(tokenizer, DOCUMENTS, seed=0)


@pytest.fixture(scope="module")
def labelled(tokenizer: Tokenizer, stream: TokenStream) -> LabelledStream:
    return label_stream(stream, DOCUMENTS, tokenizer)


def of(labels: Labels, concept: str) -> torch.Tensor:
    return labels.dense(0, labels.n_tokens)[:, ID[concept]]


def in_document(stream: TokenStream, path: str) -> torch.Tensor:
    """Whether each token is one of this document, its separator left out."""
    at = stream.document.tolist().index([*TEXTS].index(path))
    inside = torch.zeros(len(stream.tokens), dtype=torch.bool)
    inside[int(stream.start[at]) + 1 : int(stream.start[at + 1])] = True
    return inside


def test_every_document_is_accounted_for(labelled: LabelledStream) -> None:
    assert labelled.documents == {
        "documents": 7,
        "documents_parsed": 2,
        "documents_refused": 1,
        "documents_without_parser": 4,
        "refused_for": {"Missing parentheses in call to 'print'. Did you mean print(...)?": 1},
        "refused": ["b.py: Missing parentheses in call to 'print'. Did you mean print(...)?"],
    }


@pytest.mark.parametrize("kind", ["dna", "base64", "hexadecimal"])
def test_planted_documents_are_labelled_whole(
    labelled: LabelledStream, stream: TokenStream, kind: str
) -> None:
    name = "planted DNA" if kind == "dna" else f"planted {kind}"
    assert torch.equal(of(labelled.labels, name), in_document(stream, f"planted/{kind}/0"))


def test_separators_have_no_concept_but_their_own(
    labelled: LabelledStream, stream: TokenStream
) -> None:
    table = labelled.labels.dense(0, labelled.labels.n_tokens)
    separators = stream.tokens == 0
    assert torch.equal(table[:, ID["document separator"]], separators)
    assert int(table[separators].sum()) == int(separators.sum())


def test_the_start_of_a_document_is_where_it_begins(
    labelled: LabelledStream, stream: TokenStream
) -> None:
    first, start = (
        of(labelled.labels, name) for name in ("first token of a document", "start of a document")
    )
    assert torch.equal(first[1:], (stream.tokens == 0)[:-1])
    lengths = stream.start.diff() - 1
    assert int(start.sum()) == int(lengths.clamp(max=START_TOKENS).sum())


def test_a_token_of_letters_is_a_whole_word_or_a_piece_of_one(
    labelled: LabelledStream, stream: TokenStream, tokenizer: Tokenizer
) -> None:
    names = ("whole word", "first piece of a word", "later piece of a word")
    parts = torch.stack([of(labelled.labels, name) for name in names]).int().sum(0)
    for token, n_parts in zip(stream.tokens.tolist(), parts.tolist(), strict=True):
        text = token_bytes(tokenizer, token).decode(errors="replace")
        has_letter = token != 0 and any(x.isalpha() or x == "\ufffd" for x in text)
        assert n_parts == int(has_letter)


def test_labels_do_not_depend_on_the_other_documents(
    labelled: LabelledStream, stream: TokenStream, tokenizer: Tokenizer
) -> None:
    for index, path in enumerate(TEXTS):
        alone = encode(tokenizer, DOCUMENTS.iloc[[index]], seed=0)
        expected = label_stream(alone, DOCUMENTS, tokenizer).labels
        inside = in_document(stream, path)
        among = labelled.labels.dense(0, labelled.labels.n_tokens)[inside]
        assert torch.equal(expected.dense(1, expected.n_tokens), among)


def test_the_types_are_those_of_the_artefact_and_concepts_ascend(labelled: LabelledStream) -> None:
    labels = labelled.labels
    assert (labels.indptr.dtype, labels.indices.dtype) == (torch.int64, torch.int16)
    for start, stop in zip(labels.indptr[:-1].tolist(), labels.indptr[1:].tolist(), strict=True):
        assert labels.indices[start:stop].diff().gt(0).all()


def test_the_catalogue_counts_tokens_and_says_which_can_be_judged(
    labelled: LabelledStream, stream: TokenStream
) -> None:
    table = describe(labelled.labels, stream, config=CONFIG)
    assert table["name"].to_list() == [concept.name for concept in CATALOGUE]
    dense, first = labelled.labels.dense(0, labelled.labels.n_tokens), halves(stream)
    assert table["n_tokens"].to_list() == dense.sum(0).tolist()
    enough = (dense[first].sum(0) >= 1) & (dense[~first].sum(0) >= 1)
    assert table["judged"].to_list() == enough.tolist()
    strict = describe(labelled.labels, stream, config=ConceptsConfig(min_tokens=10_000))
    assert True not in strict["judged"].to_list()
    counts = summary(labelled.labels, table)
    assert counts["concepts_token"] + counts["concepts_context"] == counts["concepts_judged"]


def test_a_concept_of_the_token_alone_is_told_from_one_of_the_context() -> None:
    """Token 1 always has concept 0; concept 1 is on every other token 2, and on one in four 3."""
    ids = torch.tensor([1, 2, 2, 3, 3, 3, 3] * 40, dtype=torch.int32)
    has = [[0], [1], [], [1], [], [], []] * 40
    labels = Labels(
        indptr=torch.tensor(np.cumsum([0, *map(len, has)])),
        indices=torch.tensor([one for each in has for one in each], dtype=torch.int16),
        n_concepts=len(CATALOGUE),
    )
    start = torch.arange(0, 281, 28)
    stream = TokenStream(ids, torch.arange(10, dtype=torch.int32), start)
    table = describe(labels, stream, config=CONFIG).set_index("concept")
    assert table.loc[0, "token_f1"] == 1
    assert table.loc[1, "token_f1"] == 0
    assert table.loc[[0, 1], "kind"].to_list() == ["token", "context"]
    assert table.loc[2, "n_tokens"] == 0


def test_the_token_alone_is_scored_on_the_other_half() -> None:
    """Token 1 has the concept in three of four places: precision 3/4, recall 1, F1 6/7."""
    ids = torch.tensor([1, 1, 1, 1, 2] * 8, dtype=torch.int32)
    has = [[0], [0], [0], [], []] * 8
    labels = Labels(
        indptr=torch.tensor(np.cumsum([0, *map(len, has)])),
        indices=torch.zeros(24, dtype=torch.int16),
        n_concepts=len(CATALOGUE),
    )
    stream = TokenStream(ids, torch.arange(4, dtype=torch.int32), torch.arange(0, 41, 10))
    token_f1 = describe(labels, stream, config=CONFIG)["token_f1"].to_list()
    assert token_f1[0] == pytest.approx(6 / 7)


def test_a_threshold_of_no_tokens_is_refused() -> None:
    with pytest.raises(ValueError, match="min_tokens=0"):
        ConceptsConfig(min_tokens=0)
