import warnings

import pytest
from tests.language.concepts.snippets import labelled

from superposition.language.concepts.documents import spans_of
from superposition.language.concepts.source import Refused, Source
from superposition.language.concepts.strings import Field, fields


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def f(:\n", "invalid syntax"),
        ("print 'old'\n", "Missing parentheses"),
        ("a = '''open\n", "unterminated"),
        ("if a:\nb\n", "expected an indented block"),
        ("\x00", "null bytes"),
    ],
)
def test_what_python_refuses_keeps_its_patterns_and_says_why(text: str, reason: str) -> None:
    found = spans_of(text + "my_name", kind="package", path="a.py")
    assert reason in found.refused
    assert not found.is_parsed
    assert labelled(text + " my_name", "snake_case").split()[-2:] == ["my", "_name"]
    with pytest.raises(Refused):
        _ = Source(text).tree


def test_other_text_is_not_parsed_and_not_refused() -> None:
    for kind, path in (("folder", "a.txt"), ("huggingface", "7"), ("dna", "planted/dna/1")):
        found = spans_of("if x: y", kind=kind, path=path)
        assert (found.is_parsed, found.refused) == (False, "")
    assert labelled("if x: y", "keyword if", kind="folder", path="a.txt") == ""
    assert labelled("the end", "determiner", kind="folder", path="a.txt") == "the"
    assert labelled("the end", "determiner", kind="base64", path="") == ""


def test_an_empty_file_has_no_concepts() -> None:
    found = spans_of("", kind="package", path="a.py")
    assert found.is_parsed
    assert found.spans.found == []


def test_no_warning_about_escapes_leaks() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert labelled("a = '\\d'\nb = 1if c else 2\n", "string") == "'\\ d '⏎"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_way(end: str) -> None:
    text = end.join(["é = 1", "def f(a):", "    return (a +", "        b)", "# c", ""])
    words = labelled(text, "return value").replace("⏎", " ").split()
    assert [word for word in words if word.isalpha()] == ["a", "b"]
    assert labelled(text, "function name") == "f"
    assert labelled(text, "comment") == "# c"


def test_a_byte_order_mark_moves_nothing() -> None:
    assert labelled("\ufeffclass A:\n    pass\n", "class name") == "A"


def test_columns_of_the_tree_count_bytes_and_lexemes_characters() -> None:
    text = "a = 'é日', b(c)  # d\n"
    assert labelled(text, "function called") == "b"
    assert labelled(text, "comment marker") == "#"


def test_a_file_without_a_last_line_break_is_read_to_its_end() -> None:
    assert labelled("import a", "imported module") == "a"
    assert labelled("x = 1  # b", "comment") == "# b"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", []),
        ("{{a}}", [Field("text", 0, 5)]),
        ("{a}", [Field("expression", 1, 2)]),
        ("{a['b:}']}", [Field("expression", 1, 9)]),
        ("{a != b}", [Field("expression", 1, 7)]),
        ("{a!r}", [Field("expression", 1, 2)]),
        ("{a:{b}x}", [Field("expression", 1, 2), Field("expression", 4, 5), Field("format", 3, 7)]),
        ("{ {1: 2}[1] }", [Field("expression", 1, 12)]),
        ("{(lambda: 1)()}", [Field("expression", 1, 14)]),
        ("{a=}", [Field("expression", 1, 3)]),
    ],
)
def test_an_f_string_is_cut_into_its_fields(content: str, expected: list[Field]) -> None:
    assert list(fields(content)) == expected


def test_names_in_an_f_string_have_their_concepts() -> None:
    text = "f'''{a.b(c=1)!r}\n{d[0]}'''\n"
    assert labelled(text, "method called") == ".b"
    assert labelled(text, "keyword-argument name") == "(c"
    assert labelled(text, "subscripted") == "{d"
