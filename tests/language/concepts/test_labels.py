import numpy as np
import pytest
import torch

from superposition.language.concepts.labels import Labels, halves
from superposition.language.tokens import TokenStream

LABELS = Labels(
    indptr=torch.tensor([0, 2, 2, 3], dtype=torch.int64),
    indices=torch.tensor([0, 3, 1], dtype=torch.int16),
    n_concepts=4,
)
TABLE = torch.tensor([[1, 0, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0]], dtype=torch.bool)


def stream_of(lengths: list[int], documents: list[int]) -> TokenStream:
    return TokenStream(
        tokens=torch.zeros(sum(lengths), dtype=torch.int32),
        document=torch.tensor(documents, dtype=torch.int32),
        start=torch.tensor([0, *np.cumsum(lengths)], dtype=torch.int64),
    )


@pytest.mark.parametrize(("start", "stop"), [(0, 3), (1, 2), (1, 3), (2, 2)])
def test_a_dense_piece_has_the_labels_of_its_tokens(start: int, stop: int) -> None:
    assert torch.equal(LABELS.dense(start, stop), TABLE[start:stop])


def test_the_sparse_matrix_holds_the_same_ones() -> None:
    assert np.array_equal(LABELS.matrix().toarray(), TABLE.numpy().astype(np.float32))
    assert LABELS.n_tokens == 3


def test_halves_never_split_a_document_and_are_about_as_long() -> None:
    lengths = np.random.default_rng(0).integers(1, 1000, size=101).tolist()
    stream = stream_of(lengths, np.random.default_rng(1).permutation(101).tolist())
    first = halves(stream)
    parts = torch.split(first, lengths)
    assert all(part.all() or not part.any() for part in parts)
    assert abs(int(first.sum()) - int((~first).sum())) < max(lengths)


def test_both_halves_have_documents_of_neighbouring_ids() -> None:
    stream = stream_of([5, 5, 5, 5, 5, 5, 5], [6, 0, 5, 1, 4, 2, 3])
    in_first = dict(zip(stream.document.tolist(), halves(stream)[::5].tolist(), strict=True))
    for pair in ((0, 1), (2, 3), (4, 5)):
        assert sum(in_first[document] for document in pair) == 1


def test_halves_do_not_depend_on_the_order_of_the_documents() -> None:
    lengths, documents = [7, 3, 9, 2, 4], [0, 1, 2, 3, 4]
    backwards = halves(stream_of(lengths[::-1], documents[::-1]))
    assert torch.equal(halves(stream_of(lengths, documents)), backwards.flip(0))
