"""Tables of the chapter on concepts: a line of code with its labels, the groups, the catalogue."""

import pandas as pd
from tokenizers import Tokenizer

from superposition.language.concepts.alignment import extents, vocabulary
from superposition.language.concepts.catalogue import CATALOGUE
from superposition.language.concepts.documents import spans_of
from superposition.language.concepts.labelling import label_document
from superposition.language.tokens import decode_token, encode_text

EXAMPLE = 'def total(values, start=0):\n    """The sum of all values."""\n'
"""A function that nobody needs explained."""
LEFT_OUT = ("piece",)
"""Groups whose concepts say nothing that the table does not show anyhow."""


def example(tokenizer: Tokenizer, text: str = EXAMPLE) -> pd.DataFrame:
    """Columns token, concepts: the tokens of `text`, a piece of Python, with their concepts."""
    tokens = encode_text(tokenizer, text)
    spans = spans_of(text, kind="package", path="example.py").spans.in_bytes(text)
    labels = label_document(spans, text, extents(tokens.numpy(), vocabulary(tokenizer)))
    names: list[list[str]] = [[] for _ in range(len(tokens) + 1)]
    for token, concept in zip(labels.token, labels.concept, strict=True):
        if CATALOGUE[concept].group not in LEFT_OUT:
            names[token].append(CATALOGUE[concept].name)
    shown = [decode_token(tokenizer, token).replace(" ", "␣") for token in tokens.tolist()]
    return pd.DataFrame({"token": shown, "concepts": ["; ".join(each) for each in names[1:]]})


def groups(catalogue: pd.DataFrame) -> pd.DataFrame:
    """Of each group: concepts, those judged, those of them that need context, the commonest."""
    rows = []
    for group, table in catalogue.groupby("group", sort=False):
        kinds = table.loc[table["judged"], "kind"].to_list()
        commonest = table.loc[table["n_tokens"].idxmax()]
        rows.append(
            {
                "group": group,
                "concepts": len(table),
                "judged": len(kinds),
                "of context": kinds.count("context"),
                "the commonest": commonest["name"] if commonest["n_tokens"] else "",
                "its share of all tokens": float(commonest["share"]),
            }
        )
    return pd.DataFrame(rows)


def listing(catalogue: pd.DataFrame) -> pd.DataFrame:
    """Every concept: its group, its rule, its tokens, F1 of the token alone, what it counts as."""
    kind = (
        catalogue["kind"]
        .where(catalogue["judged"], "too rare")
        .where(catalogue["n_tokens"] > 0, "absent")
    )
    columns = {
        "group": catalogue["group"],
        "concept": catalogue["name"],
        "the characters that have it": catalogue["rule"],
        "tokens": catalogue["n_tokens"],
        "F1 of the token": catalogue["token_f1"],
        "kind": kind,
    }
    return pd.DataFrame(columns)
