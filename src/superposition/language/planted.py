"""Contexts planted into the text: base64, hexadecimal and DNA, each in documents of its own.

What a latent means is known where its context was made by hand: a base64 latent should be active on
these documents and on hardly anything else.

Source: Towards Monosemanticity, "Detailed Investigations of Individual Features" (DNA, base64) and
"Feature Splitting" (base64 of bytes and of ASCII text, hexadecimal).
Differs: generated instead of found in the Pile, because code holds too little of them.
"""

import base64
from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

import numpy as np

Kind = Literal["base64", "hexadecimal", "dna"]
KINDS: tuple[Kind, ...] = get_args(Kind)

MAX_BLOCKS = 4
"""Blocks in one document, at most."""
BLOCK_BYTES = (64, 768)
"""Shortest and longest length of a block of base64 or hexadecimal before it is encoded."""
DNA_BASES = (50, 1500)
"""Shortest and longest length of a sequence."""
VOCABULARY = (
    "the of and to in that is was for it with as his on be at by had not are but from or have an "
    "they which one you were all her she there would their we him been has when who will no more "
    "if out so up said what its about than into them can only other time new some could these two "
    "may first then do any like my now over such our man me even most made after also well data "
    "name value error file user password token key content type length server client request "
    "answer message http host image text plain charset encoding private public certificate"
)
"""Words of the ASCII text that is encoded in base64."""


class Planted(NamedTuple):
    """One planted document."""

    kind: Kind
    """What it holds."""
    text: str
    """Blocks of it, separated by empty lines."""


def planted_documents(n_bytes: int, *, seed: int) -> list[Planted]:
    """Documents of about `n_bytes` in all, as many bytes of each kind, at least two documents each.

    The documents of one kind do not depend on the other kinds, and a larger `n_bytes` only appends.
    """
    documents: list[Planted] = []
    if n_bytes <= 0:
        return documents
    for kind, kind_seed in zip(KINDS, np.random.SeedSequence(seed).spawn(len(KINDS)), strict=True):
        rng = np.random.default_rng(kind_seed)
        n_documents, written = 0, 0
        while n_documents < 2 or written < n_bytes // len(KINDS):
            documents.append(Planted(kind, _document(rng, GENERATORS[kind])))
            n_documents += 1
            written += len(documents[-1].text)
    return documents


def base64_block(rng: np.random.Generator) -> str:
    """Base64 of random bytes or of ASCII text, in one line or wrapped as in mail."""
    n_bytes = int(rng.integers(*BLOCK_BYTES, endpoint=True))
    content = rng.bytes(n_bytes) if rng.random() < 0.5 else _prose(rng, n_bytes).encode()
    alphabet = base64.urlsafe_b64encode if rng.random() < 0.2 else base64.b64encode
    return _wrap(rng, alphabet(content).decode(), widths=(64, 76))


def hexadecimal_block(rng: np.random.Generator) -> str:
    """Random bytes as hexadecimal digits: in one piece, or in groups as dumps and digests have."""
    digits = rng.bytes(int(rng.integers(*BLOCK_BYTES, endpoint=True))).hex()
    group, separator, prefix = HEXADECIMAL_LAYOUTS[rng.integers(len(HEXADECIMAL_LAYOUTS))]
    if rng.random() < 0.5:
        digits = digits.upper()
    if not group:
        return _wrap(rng, digits, widths=(32, 40, 64))
    whole_groups = range(0, len(digits) - group + 1, group)
    groups = [prefix + digits[start : start + group] for start in whole_groups]
    per_line = int(rng.choice([4, 8, 16]))
    lines = [groups[start : start + per_line] for start in range(0, len(groups), per_line)]
    return "\n".join(separator.join(line) for line in lines)


def dna_block(rng: np.random.Generator) -> str:
    """A sequence of the four bases, uniformly drawn, in lines as in FASTA files or in one line."""
    bases = "acgt" if rng.random() < 0.2 else "ACGT"
    n_bases = int(rng.integers(*DNA_BASES, endpoint=True))
    sequence = "".join(bases[base] for base in rng.integers(4, size=n_bases))
    return _wrap(rng, sequence, widths=(60, 70, 80))


GENERATORS: dict[Kind, Callable[[np.random.Generator], str]] = {
    "base64": base64_block,
    "hexadecimal": hexadecimal_block,
    "dna": dna_block,
}
HEXADECIMAL_LAYOUTS = ((0, "", ""), (2, " ", ""), (2, ":", ""), (4, " ", ""), (8, ", ", "0x"))
"""Digits of a group (0: no groups), what stands between groups, what before each."""


def _document(rng: np.random.Generator, block: Callable[[np.random.Generator], str]) -> str:
    n_blocks = int(rng.integers(1, MAX_BLOCKS, endpoint=True))
    return "\n\n".join(block(rng) for _ in range(n_blocks)) + "\n"


def _wrap(rng: np.random.Generator, line: str, *, widths: tuple[int, ...]) -> str:
    """`line` as it is, or, in two cases of three, in lines of one of `widths`."""
    width = int(rng.choice(widths))
    if rng.random() < 1 / 3:
        return line
    return "\n".join(line[start : start + width] for start in range(0, len(line), width))


def _prose(rng: np.random.Generator, n_bytes: int) -> str:
    words = rng.choice(VOCABULARY.split(), size=n_bytes // 3)
    ends = rng.random(len(words)) < 0.1
    sentences = " ".join(word + "." * int(end) for word, end in zip(words, ends, strict=True))
    return sentences[:n_bytes]
