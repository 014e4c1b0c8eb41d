"""The data dictionary: the tables of columns in data/README.md, written from schema.yaml.

python -m superposition.dictionary
"""

from pathlib import Path

from superposition.core.store import schema, whole

PATH = Path("data/README.md")
BEGIN, END = "<!-- columns:begin -->", "<!-- columns:end -->"


def columns() -> str:
    """One heading and one table of columns for every table of schema.yaml, in Markdown."""
    return "\n\n".join(_table(name, meanings) for name, meanings in schema().items())


def filled(text: str) -> str:
    """`text` with the columns between its two marks, in place of what was there."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"no {BEGIN} followed by {END} in the text")
    return f"{before}{BEGIN}\n\n{columns()}\n\n{END}{after}"


def _table(name: str, meanings: dict[str, str]) -> str:
    rows = ["| column | type | meaning |", "|---|---|---|"]
    for column, meaning in meanings.items():
        kind, _, words = meaning.partition(", ")
        rows.append(f"| `{column}` | {kind} | {_escaped(words)} |")
    return f"### `{name}`\n\n" + "\n".join(rows)


def _escaped(words: str) -> str:
    """`words` for a cell of a table: pipes and stars stand for themselves."""
    for character in "\\|*_<":
        words = words.replace(character, f"\\{character}")
    return words.strip('"')


if __name__ == "__main__":
    text = filled(PATH.read_text(encoding="utf-8"))
    with whole(PATH) as path:
        path.write_text(text, encoding="utf-8")
