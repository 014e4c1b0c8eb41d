"""Spans of text that have a concept: what every detector adds to."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from superposition.language.concepts.catalogue import ID


class SpanTable(NamedTuple):
    """Spans as columns; positions count characters or bytes of one document."""

    concept: Int[ndarray, " n_spans"]
    start: Int[ndarray, " n_spans"]
    stop: Int[ndarray, " n_spans"]


@dataclass
class Spans:
    """Spans of characters by the name of their concept, in the order in which they were found."""

    found: list[tuple[int, int, int]] = field(default_factory=list)
    """Concept id, first character, the character after the last."""

    def add(self, name: str, start: int, stop: int) -> None:
        """The characters from `start` to before `stop` have the concept `name`."""
        if stop > start:
            self.found.append((ID[name], start, stop))

    def in_bytes(self, text: str) -> SpanTable:
        """The spans as a table, in bytes of the UTF-8 of `text`."""
        concept, start, stop = np.array(self.found, dtype=np.int64).reshape(-1, 3).T
        if text.isascii():
            return SpanTable(concept, start, stop)
        byte_of = byte_offsets(text)
        return SpanTable(concept, byte_of[start], byte_of[stop])


def byte_offsets(text: str) -> Int[ndarray, " n_offsets"]:
    """The byte at which each character of `text` begins; at the end, the number of bytes."""
    code = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    sizes = 1 + (code >= 0x80).astype(np.int64) + (code >= 0x800) + (code >= 0x10000)
    return np.concatenate([[0], np.cumsum(sizes)])
