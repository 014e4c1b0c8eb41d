import base64
import re
from collections import Counter

import numpy as np
import pytest

from superposition.language.planted import (
    DNA_BASES,
    KINDS,
    base64_block,
    dna_block,
    hexadecimal_block,
    planted_documents,
)

ALPHABETS = {
    "base64": re.compile(r"[A-Za-z0-9+/=_\n-]+"),
    "hexadecimal": re.compile(r"[0-9a-fA-Fx:, \n]+"),
    "dna": re.compile(r"[ACGT\n]+|[acgt\n]+|[ACGTacgt\n]+"),
}


def test_the_same_seed_gives_the_same_documents_and_another_one_others() -> None:
    assert planted_documents(20_000, seed=1) == planted_documents(20_000, seed=1)
    assert planted_documents(20_000, seed=1) != planted_documents(20_000, seed=2)


def test_more_bytes_keep_the_documents_and_append_others() -> None:
    few, many = planted_documents(20_000, seed=1), planted_documents(60_000, seed=1)
    for kind in KINDS:
        first = [document.text for document in few if document.kind == kind]
        assert [document.text for document in many if document.kind == kind][: len(first)] == first


def test_each_kind_has_its_third_of_the_bytes() -> None:
    n_bytes = Counter[str]()
    for kind, text in planted_documents(600_000, seed=0):
        n_bytes[kind] += len(text)
    assert set(n_bytes) == set(KINDS)
    assert all(200_000 <= count < 207_000 for count in n_bytes.values())


@pytest.mark.parametrize("n_bytes", [1, 100, 3_000])
def test_few_bytes_still_give_two_documents_of_each_kind(n_bytes: int) -> None:
    kinds = Counter(document.kind for document in planted_documents(n_bytes, seed=0))
    assert all(kinds[kind] >= 2 for kind in KINDS)


def test_no_bytes_give_no_document() -> None:
    assert planted_documents(0, seed=0) == []


def test_every_document_holds_characters_of_its_kind_only() -> None:
    for kind, text in planted_documents(200_000, seed=3):
        assert ALPHABETS[kind].fullmatch(text)


def test_half_of_the_base64_decodes_to_ascii_text() -> None:
    rng = np.random.default_rng(0)
    blocks = [base64_block(rng) for _ in range(400)]
    contents = [
        base64.b64decode(block.replace("\n", "").replace("-", "+").replace("_", "/"), validate=True)
        for block in blocks
    ]
    share_of_ascii = np.mean([content.isascii() for content in contents])
    assert 0.4 < share_of_ascii < 0.6
    assert 0.2 < np.mean(["\n" not in block for block in blocks]) < 0.5


def test_hexadecimal_comes_in_several_layouts() -> None:
    rng = np.random.default_rng(0)
    blocks = [hexadecimal_block(rng) for _ in range(100)]
    for layout in [r"[0-9a-f]{2}( [0-9a-f]{2})+", r"[0-9A-F]{2}(:[0-9A-F]{2})+", r"[0-9a-f]{32}"]:
        assert any(re.match(layout, block) for block in blocks)
    assert any(block.startswith("0x") for block in blocks)


def test_dna_is_uniform_over_the_four_bases_and_long_enough() -> None:
    rng = np.random.default_rng(0)
    sequences = [dna_block(rng).replace("\n", "").upper() for _ in range(200)]
    assert all(DNA_BASES[0] <= len(sequence) <= DNA_BASES[1] for sequence in sequences)
    counts = Counter("".join(sequences))
    assert set(counts) == set("ACGT")
    assert all(abs(count / counts.total() - 0.25) < 0.01 for count in counts.values())
