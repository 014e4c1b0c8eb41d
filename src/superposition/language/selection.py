"""Which of the files found become text: duplicates out, a seeded sample in, some of it held out.

Every decision about a file hangs on its content and the seed, never on the order in which files are
found: adding a package moves no file from training to the held-out side, and a larger cap keeps
what a smaller one kept.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

MIN_LINE_CHARACTERS = 10
"""Shorter lines (`else:`, `return x`) say nothing about where a file was copied from."""
MAX_FILES_PER_LINE = 20
"""A line found in more files than this is a custom of the language, no evidence of copying."""
ALL_DRAWS = 2**128
"""Draws are whole numbers below this one."""


class File(NamedTuple):
    """One file of a source: its text, or why there is none."""

    package: str
    """The distribution, folder or data set it belongs to."""
    path: str
    """Where it lies within the source."""
    text: str
    """Its text; empty where there is a problem."""
    n_bytes: int
    """Length of the text in UTF-8, also where the text was dropped."""
    problem: str = ""
    """Why it was left out; empty if it was not."""

    def left_out(self, problem: str) -> "File":
        """The same file without its text."""
        return self._replace(text="", problem=problem)


class Selection(NamedTuple):
    """Files that were kept, and files that were not."""

    kept: list[File]
    """In seeded order."""
    left_out: list[File]
    """Each with its problem."""


def select_files(
    files: Iterable[File], *, max_bytes: int, max_copied: float, seed: int
) -> Selection:
    """A seeded sample of the distinct `files`, of at most `max_bytes` in all."""
    sample = _sample(files, max_bytes=max_bytes, seed=seed)
    originals = _drop_copies(sample.kept, max_copied=max_copied)
    return Selection(originals.kept, sample.left_out + originals.left_out)


def assign_held_out(texts: list[str], *, fraction: float, seed: int) -> list[bool]:
    """Whether each of `texts` is held out, which is so for a share `fraction` of all contents.

    Of two texts or more, at least one is held out and at least one is not.
    """
    draws = [_draw(text, seed=seed, purpose="split") for text in texts]
    held_out = [draw / ALL_DRAWS < fraction for draw in draws]
    if len(texts) > 1 and not any(held_out):
        held_out[draws.index(min(draws))] = True
    if len(texts) > 1 and all(held_out):
        held_out[draws.index(max(draws))] = False
    return held_out


def _sample(files: Iterable[File], *, max_bytes: int, seed: int) -> Selection:
    """The distinct files with the smallest draws that fit into `max_bytes`, in order of the draws.

    One pass that holds no more than `max_bytes` and one file: a heap keeps the files with the
    smallest draws, and once one was pushed out no file with a larger draw can come in.
    """
    seen: set[int] = set()
    heap: list[tuple[int, File]] = []
    left_out: list[File] = []
    total, limit = 0, ALL_DRAWS
    for file in files:
        if file.problem:
            left_out.append(file)
            continue
        draw = _draw(file.text, seed=seed, purpose="sample")
        if draw in seen or draw >= limit:
            left_out.append(file.left_out("duplicate" if draw in seen else "not sampled"))
            seen.add(draw)
            continue
        seen.add(draw)
        heapq.heappush(heap, (-draw, file))
        total += file.n_bytes
        while total > max_bytes:
            largest, last = heapq.heappop(heap)
            limit, total = -largest, total - last.n_bytes
            left_out.append(last.left_out("not sampled"))
    return Selection([file for _, file in sorted(heap, reverse=True)], left_out)


def _drop_copies(files: list[File], *, max_copied: float) -> Selection:
    """`files` without those that share more than `max_copied` of their lines with an earlier one.

    The share is that of a file's distinct lines, stripped and of some length, in one other file.
    """
    selection = Selection([], [])
    files_with: dict[int, list[int]] = defaultdict(list)
    for index, file in enumerate(files):
        stripped = (line.strip() for line in file.text.split("\n"))
        lines = {hash(line) for line in stripped if len(line) >= MIN_LINE_CHARACTERS}
        shared = Counter(other for line in lines for other in files_with.get(line, ()))
        if shared and max(shared.values()) > max_copied * len(lines):
            selection.left_out.append(file.left_out("near duplicate"))
            continue
        selection.kept.append(file)
        for line in lines:
            if len(files_with[line]) < MAX_FILES_PER_LINE:
                files_with[line].append(index)
    return selection


def _draw(text: str, *, seed: int, purpose: str) -> int:
    """A number below `ALL_DRAWS` that `text`, `seed` and `purpose` determine."""
    key = f"{purpose} {seed}".encode()
    return int.from_bytes(blake2b(text.encode(), key=key, digest_size=16).digest(), "big")
