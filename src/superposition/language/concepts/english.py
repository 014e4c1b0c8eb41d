"""English in docstrings, comments and text that is no code: word classes, endings, sentences.

Word lists and endings, no parser: a list decides about a word wherever it stands.
"""

import re

from superposition.language.concepts.catalogue import WORDS
from superposition.language.concepts.spans import Spans

WORD = re.compile(r"(?<![\w.@/\\-])(?<!\w')[^\W\d_]+(?![\w(=/\\@]|\.\w)")
"""A word that is no part of a name, a path or a call."""
CODE = re.compile(r"(`+)[^`\n]+\1")
"""What stands in backquotes: no English."""
CLASSES: dict[str, list[str]] = {}
for _name, _words in WORDS.items():
    for _word in _words.split():
        CLASSES.setdefault(_word, []).append(_name)
AFTER = {
    **dict.fromkeys(("a", "an", "the"), "noun after a determiner"),
    "to": "word after to",
    **dict.fromkeys(("of", "in", "for", "with", "on", "by", "from"), "word after a preposition"),
}
"""What the word after these is."""
ENDINGS = {
    "plural": r"[a-z]{2,}[^siu\W]s",
    "-ing": r"[a-z]{2,}ing",
    "-ed": r"[a-z]{2,}ed",
    "-ly": r"[a-z]{2,}ly",
    "-tion": r"[a-z]{2,}[ts]ion",
    "-able": r"[a-z]{2,}[ai]ble",
}
ENDING = {name: re.compile(pattern) for name, pattern in ENDINGS.items()}
MARKS = {
    "sentence end": re.compile(r"[.!?]+(?=\s|$|[\"')])"),
    "comma in prose": re.compile(r",(?=\s)"),
    "colon in prose": re.compile(r":+(?=[ \t]*(?:\n|$))"),
    "in quotes": re.compile(r"(?<![\w\"])\"[^\"\n]+\"(?!\w)|(?<![\w'])'[^'\n]+'(?!\w)"),
    "in parentheses": re.compile(r"\([^()\n]*\)"),
    "contraction": re.compile(r"\b[A-Za-z]+'(?:s|t|re|ve|ll|d|m)\b"),
    "number in a text": re.compile(r"\d+"),
}
SENTENCE = re.compile(r"(?:[.!?][\"')]*\s+|\n[ \t]*\n\s*)$")
"""What ends right before the first word of a sentence."""
NEAR = 40
"""Characters before a word in which the end of the sentence before it is looked for."""


def english_spans(text: str, base: int, spans: Spans) -> None:
    """Add the spans of a piece of prose that begins at the character `base`."""
    spans.add("prose", base, base + len(text))
    for name, pattern in MARKS.items():
        for found in pattern.finditer(text):
            spans.add(name, base + found.start(), base + found.end())
    plain = CODE.sub(lambda code: "`" * len(code[0]), text)
    previous, end = "", 0
    for found in WORD.finditer(plain):
        start, stop = found.span()
        is_next = bool(previous) and plain[end:start].isspace()
        names = word_concepts(found[0], previous if is_next else "")
        if found[0][0].isupper() and (
            not previous or SENTENCE.search(plain, max(end, start - NEAR), start)
        ):
            names.append("sentence start")
        for name in names:
            spans.add(name, base + start, base + stop)
        previous, end = found[0], stop


def word_concepts(word: str, previous: str) -> list[str]:
    """The concepts of a word; `previous` is the word right before, empty if there is none.

    >>> word_concepts("values", "the")
    ['noun of computing', 'plural', 'noun after a determiner']
    """
    lower = word.lower()
    names = list(CLASSES.get(lower, []))
    names += [name for name, pattern in ENDING.items() if pattern.fullmatch(lower)]
    if previous.lower() in AFTER:
        names.append(AFTER[previous.lower()])
    if len(word) > 1 and word.isupper():
        names.append("word in capitals")
    elif word[0].isupper() and previous.islower():
        names.append("capital within a sentence")
    return names
