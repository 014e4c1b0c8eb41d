"""The concepts of every token of a stream, and the halves of a stream: what scoring builds on."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Int
from scipy.sparse import csr_array
from torch import Tensor

from superposition.language.tokens import TokenStream


class Labels(NamedTuple):
    """Which concepts each token of a stream has, as compressed sparse rows."""

    indptr: Int[Tensor, " n_tokens+1"]
    """Where each token's concepts begin in `indices`, int64; at the end, the number of labels."""
    indices: Int[Tensor, " n_labels"]
    """Concept ids, ascending within a token, int16."""
    n_concepts: int
    """Concepts in the catalogue."""

    @property
    def n_tokens(self) -> int:
        """Tokens in the stream."""
        return len(self.indptr) - 1

    def dense(self, start: int, stop: int) -> Bool[Tensor, "token concept"]:
        """Whether each token from `start` to before `stop` has each concept."""
        ends = self.indptr[start : stop + 1]
        table = torch.zeros(len(ends) - 1, self.n_concepts, dtype=torch.bool)
        rows = torch.repeat_interleave(torch.arange(len(ends) - 1), ends.diff())
        table[rows, self.indices[int(ends[0]) : int(ends[-1])].long()] = True
        return table

    def matrix(self) -> csr_array:
        """All labels as a sparse matrix of float32 ones, tokens by concepts."""
        ones = np.ones(len(self.indices), dtype=np.float32)
        parts = (ones, self.indices.numpy().astype(np.int32), self.indptr.numpy())
        return csr_array(parts, shape=(self.n_tokens, self.n_concepts))


def halves(stream: TokenStream) -> Bool[Tensor, " n_tokens"]:
    """Whether each token lies in the first half: the one to choose by; the other is to report.

    Documents are never split. They are paired by their ids, neighbours with each other, so that
    both halves have text from each package and of each planted kind; of a pair, the longer
    document goes to the half that has fewer tokens so far.
    """
    lengths = stream.start.diff().numpy()
    order = np.argsort(stream.document.numpy(), kind="stable")
    first = np.zeros(len(lengths), dtype=bool)
    surplus = 0  # tokens that the first half has more than the second
    for index in range(0, len(order), 2):
        pair = sorted(order[index : index + 2], key=lambda which: -int(lengths[which]))
        for position, which in enumerate(pair):
            first[which] = (surplus <= 0) == (position == 0)
        surplus += sum(int(lengths[which]) * (1 if first[which] else -1) for which in pair)
    return torch.from_numpy(np.repeat(first, lengths))
