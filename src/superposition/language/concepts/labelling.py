"""The labels of a stream, document by document."""

from collections import Counter
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Int
from numpy import ndarray
from tokenizers import Tokenizer

from superposition.core.compute import progress
from superposition.language.concepts import alignment, documents
from superposition.language.concepts.catalogue import CATALOGUE, ID
from superposition.language.concepts.labels import Labels
from superposition.language.concepts.patterns import WORD
from superposition.language.concepts.spans import Spans, SpanTable
from superposition.language.tokens import TokenStream

START_TOKENS = 32
"""Tokens after the separator that are the start of a document."""
MAX_NAMES = 5
"""Refused documents that are named."""


class LabelledStream(NamedTuple):
    """The labels of a stream and how they came about."""

    labels: Labels
    """Which concepts each token has."""
    documents: dict[str, int | dict[str, int] | list[str]]
    """How many documents were parsed and refused, for which reasons, the first ones by name."""


class DocumentLabels(NamedTuple):
    """All labels of one document, ascending by token, then by concept."""

    token: Int[ndarray, " n_labels"]
    """Index in the document, its separator being 0."""
    concept: Int[ndarray, " n_labels"]


def label_stream(stream: TokenStream, table: pd.DataFrame, tokenizer: Tokenizer) -> LabelledStream:
    """The labels of every token of `stream`, whose documents are in `table`.

    `table` has the columns document, kind, path, text. The labels of a document do not depend on
    the other documents.
    """
    vocabulary = alignment.vocabulary(tokenizer)
    given = table.set_index("document").loc[stream.document.tolist()]
    tokens = np.split(stream.tokens.numpy(), stream.start.numpy()[1:-1])
    parts: list[DocumentLabels] = []
    outcome: list[tuple[str, str, bool]] = []
    rows = zip(given["text"], given["kind"], given["path"], tokens, strict=True)
    for text, kind, path, ids in progress(rows, "concepts", total=len(given)):
        found = documents.spans_of(text, kind=kind, path=path)
        outcome.append((path, found.refused, found.is_parsed))
        places = alignment.extents(ids[1:], vocabulary)
        parts.append(label_document(found.spans.in_bytes(text), text, places))
    return LabelledStream(_together(parts, stream), _outcome(outcome))


def label_document(spans: SpanTable, text: str, places: alignment.Extents) -> DocumentLabels:
    """The labels of one document from its `spans`, with those of the separator and of pieces."""
    n_concepts = len(CATALOGUE)
    token, concept = alignment.label(spans, places, n_concepts=n_concepts)
    n_tokens = len(places.start)
    pieces = alignment.word_pieces(_words(text), places)
    special = {
        "document separator": [-1],
        "first token of a document": [0] if n_tokens else [],
        "start of a document": np.arange(min(START_TOKENS, n_tokens)),
        "whole word": pieces.whole,
        "first piece of a word": pieces.first,
        "later piece of a word": pieces.later,
    }
    pairs = [(token + 1) * n_concepts + concept]
    pairs += [(np.array(at, dtype=np.int64) + 1) * n_concepts + ID[x] for x, at in special.items()]
    together = np.sort(np.concatenate(pairs))
    return DocumentLabels(together // n_concepts, together % n_concepts)


def _words(text: str) -> SpanTable:
    """Runs of letters, in bytes."""
    words = Spans()
    for found in WORD.finditer(text):
        words.add("whole word", *found.span())
    return words.in_bytes(text)


def _together(parts: list[DocumentLabels], stream: TokenStream) -> Labels:
    starts = stream.start.tolist()
    token = np.concatenate([part.token + at for part, at in zip(parts, starts[:-1], strict=True)])
    counts = np.bincount(token, minlength=starts[-1])
    indices = np.concatenate([part.concept for part in parts])
    return Labels(
        indptr=torch.from_numpy(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)),
        indices=torch.from_numpy(indices.astype(np.int16)),
        n_concepts=len(CATALOGUE),
    )


def _outcome(outcome: list[tuple[str, str, bool]]) -> dict[str, int | dict[str, int] | list[str]]:
    refused = sorted((path, reason) for path, reason, _ in outcome if reason)
    n_parsed = sum(is_parsed for _, _, is_parsed in outcome)
    return {
        "documents": len(outcome),
        "documents_parsed": n_parsed,
        "documents_refused": len(refused),
        "documents_without_parser": len(outcome) - n_parsed - len(refused),
        "refused_for": dict(sorted(Counter(reason for _, reason in refused).items())),
        "refused": [f"{path}: {reason}" for path, reason in refused[:MAX_NAMES]],
    }
