import keyword
import re

import pytest
from tests.language.concepts.snippets import KEYWORDS, PARSED, PATTERNS, labelled

from superposition.language.concepts.catalogue import CATALOGUE, ID
from superposition.language.concepts.catalogue import KEYWORDS as KNOWN

CASES = [(text, expected) for cases in PARSED.values() for text, expected in cases]
ON_THEIR_OWN = {"planted", "piece"}
"""Groups whose tests are in test_labelling.py."""


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_the_pieces_of_a_snippet_have_their_concepts(text: str, expected: dict[str, str]) -> None:
    assert {name: labelled(text, name) for name in expected} == expected


@pytest.mark.parametrize(("text", "expected"), PATTERNS)
def test_patterns_are_found_in_text_that_is_no_code(text: str, expected: dict[str, str]) -> None:
    found = {name: labelled(text, name, kind="folder", path="a.txt") for name in expected}
    assert found == expected


@pytest.mark.parametrize("word", KNOWN.split())
def test_a_keyword_is_found_wherever_it_is_one_and_nowhere_else(word: str) -> None:
    found = labelled(KEYWORDS, f"keyword {word}").split()
    assert found
    assert set(found) == {word}
    assert len(found) == re.findall(r"\w+", KEYWORDS).count(word)


def test_every_keyword_of_python_is_in_the_catalogue() -> None:
    assert set(keyword.kwlist) <= set(KNOWN.split())


def test_a_keyword_in_a_string_is_none() -> None:
    assert labelled("a = 'if not b'  # for c\n", "keyword not") == ""
    assert labelled("match = 1\nmatch(case)\nmatch[0]\n", "keyword match") == ""


def test_every_concept_has_a_snippet() -> None:
    tested = {name for _, expected in (*CASES, *PATTERNS) for name in expected if expected[name]}
    others = [each for each in CATALOGUE if each.group not in {"keyword", *ON_THEIR_OWN}]
    assert [concept.name for concept in others if concept.name not in tested] == []


def test_there_are_many_concepts_with_a_name_and_a_rule_each() -> None:
    assert len(CATALOGUE) == len(ID) >= 150
    assert all(concept.rule and concept.name.strip() == concept.name for concept in CATALOGUE)
