"""The values of the chapter on concepts."""

import pytest

from superposition.prose import concepts


@pytest.mark.parametrize(
    ("n", "reasons", "expected"),
    [
        (0, {}, "none"),
        (2, {"invalid syntax": 2}, "2, for 1 different reason"),
        (3, {"a": 1, "b": 2}, "3, for 2 different reasons"),
    ],
)
def test_refused_files_are_counted_in_words(n: int, reasons: dict[str, int], expected: str) -> None:
    assert concepts._refused(n, reasons) == expected
