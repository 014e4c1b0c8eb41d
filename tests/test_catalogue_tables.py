"""The tables of the chapter on concepts."""

import pandas as pd
import pytest
from tests.charts.synthetic import frame

from superposition import catalogue_tables
from superposition.language.tokens import TokensConfig, train_tokenizer


@pytest.fixture
def catalogue() -> pd.DataFrame:
    return frame(
        "concepts/catalogue.parquet",
        4,
        group=["a", "a", "a", "b"],
        kind=["context", "token", "context", "context"],
        judged=[True, True, False, False],
        n_tokens=[5, 9, 1, 0],
        share=[0.05, 0.09, 0.01, 0.0],
    )


def test_groups_are_counted_and_the_commonest_concept_is_named(catalogue: pd.DataFrame) -> None:
    first, second = catalogue_tables.groups(catalogue).to_dict("records")
    assert first == {
        "group": "a",
        "concepts": 3,
        "judged": 2,
        "of context": 1,
        "the commonest": "word 1",
        "its share of all tokens": 0.09,
    }
    assert (second["concepts"], second["judged"], second["the commonest"]) == (1, 0, "")


def test_the_listing_says_why_a_concept_is_not_judged(catalogue: pd.DataFrame) -> None:
    listed = catalogue_tables.listing(catalogue)
    assert listed["kind"].to_list() == ["context", "token", "too rare", "absent"]


def test_the_example_shows_every_token_with_its_concepts() -> None:
    config = TokensConfig(vocab_size=400, sample_bytes=10_000, seed=0)
    tokenizer = train_tokenizer([catalogue_tables.EXAMPLE] * 20, config)
    shown = catalogue_tables.example(tokenizer).set_index("token")["concepts"]
    text = "".join(shown.index).replace("␣", " ").replace("⏎", "\n")
    assert text == catalogue_tables.EXAMPLE
    assert "function name" in shown["␣total"]
    assert "parameter name" in shown["(values"]
    assert "whole word" not in " ".join(shown)
