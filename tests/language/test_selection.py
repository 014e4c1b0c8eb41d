import random

import pytest

from superposition.language.selection import File, assign_held_out, select_files


def make_file(name: str, text: str) -> File:
    return File("package", name, text, len(text.encode()))


def distinct_files(n: int) -> list[File]:
    return [make_file(f"{i}.py", f"number {i * i * 7919}, alone in its file\n") for i in range(n)]


def paths(files: list[File]) -> set[str]:
    return {file.path for file in files}


def test_the_sample_fills_the_cap_and_never_exceeds_it() -> None:
    files = distinct_files(200)
    kept = select_files(files, max_bytes=2_000, max_copied=0.9, seed=0).kept
    assert 1_950 < sum(file.n_bytes for file in kept) <= 2_000


def test_the_sample_does_not_depend_on_the_order_of_the_files() -> None:
    files = [make_file(str(i), f"{i * 7919}: " + "x" * (i % 13 * 20)) for i in range(300)]
    shuffled = random.Random(0).sample(files, len(files))
    ours, other = (
        select_files(order, max_bytes=5_000, max_copied=0.9, seed=0).kept
        for order in (files, shuffled)
    )
    assert ours == other


def test_a_larger_cap_keeps_what_a_smaller_one_kept_and_another_seed_does_not() -> None:
    files = distinct_files(200)
    small, large, other = (
        paths(select_files(files, max_bytes=cap, max_copied=0.9, seed=seed).kept)
        for cap, seed in [(1_000, 0), (4_000, 0), (1_000, 1)]
    )
    assert small < large
    assert small != other


def test_the_sample_is_spread_over_all_files_not_the_first_few() -> None:
    kept = select_files(distinct_files(400), max_bytes=4_000, max_copied=0.9, seed=0).kept
    numbers = [int(file.path.removesuffix(".py")) for file in kept]
    assert 150 < sum(numbers) / len(numbers) < 250


def test_of_equal_files_the_first_is_kept_and_the_others_are_duplicates() -> None:
    files = [make_file("a", "same text"), make_file("b", "same text"), make_file("c", "other")]
    selection = select_files(files, max_bytes=100, max_copied=0.9, seed=0)
    assert paths(selection.kept) == {"a", "c"}
    assert selection.left_out == [File("package", "b", "", 9, "duplicate")]


def test_files_with_a_problem_are_passed_on_with_it() -> None:
    faulty = File("package", "a", "", 0, "not UTF-8")
    selection = select_files([faulty], max_bytes=100, max_copied=0.9, seed=0)
    assert selection == ([], [faulty])


@pytest.mark.parametrize(("shared", "n_kept"), [(9, 1), (7, 1), (5, 2), (0, 2)])
def test_a_file_is_a_near_duplicate_by_the_share_of_lines_it_has_from_another(
    shared: int, n_kept: int
) -> None:
    original = [f"the original's line number {i}" for i in range(10)]
    changed = [f"a line that was rewritten, {i}" for i in range(10)]
    texts = ["\n".join(original), "\n".join(original[:shared] + changed[shared:])]
    files = [make_file(str(i), text) for i, text in enumerate(texts)]
    selection = select_files(files, max_bytes=10_000, max_copied=0.6, seed=0)
    assert len(selection.kept) == n_kept
    assert [file.problem for file in selection.left_out] == ["near duplicate"] * (2 - n_kept)


def test_lines_from_many_different_files_make_no_near_duplicate() -> None:
    sources = [[f"file {i} says in line {j}" for j in range(10)] for i in range(10)]
    collage = "\n".join(lines[0] for lines in sources)
    files = [make_file(str(i), "\n".join(lines)) for i, lines in enumerate(sources)]
    selection = select_files(
        [*files, make_file("collage", collage)], max_bytes=10_000, max_copied=0.6, seed=0
    )
    assert len(selection.kept) == 11


def test_the_held_out_share_is_the_fraction_asked_for() -> None:
    texts = [str(i) for i in range(4_000)]
    assert 170 < sum(assign_held_out(texts, fraction=0.05, seed=0)) < 230


def test_adding_files_moves_none_across_the_split() -> None:
    texts = [str(i) for i in range(1_000)]
    some, all_of_them = (
        assign_held_out(chosen, fraction=0.1, seed=0) for chosen in (texts[::3], texts)
    )
    assert some == all_of_them[::3]


@pytest.mark.parametrize("fraction", [1e-9, 1 - 1e-9])
def test_of_two_texts_one_is_held_out_whatever_the_fraction(fraction: float) -> None:
    assert sorted(assign_held_out(["a", "b"], fraction=fraction, seed=0)) == [False, True]


def test_the_split_does_not_follow_the_sample() -> None:
    """The files of a small sample are no more often held out than others."""
    files = distinct_files(2_000)
    kept = select_files(files, max_bytes=20_000, max_copied=0.9, seed=0).kept
    held_out = assign_held_out([file.text for file in kept], fraction=0.3, seed=0)
    assert 0.2 < sum(held_out) / len(held_out) < 0.4
