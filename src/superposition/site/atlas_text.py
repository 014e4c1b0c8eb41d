"""A token's bytes as text to show: what can be seen as it is, everything else spelt out."""

import unicodedata

_SYMBOLS = {"\n": "⏎", "\t": "⇥"}
_FIRST_BYTE, _LAST_BYTE = 0xDC80, 0xDCFF
"""What Python's `surrogateescape` makes of bytes that are no character."""


def pieces(data: bytes) -> list[str]:
    r"""`data` as text, and in every second place something spelt out that cannot be seen.

    So a backslash that is in the text and one that stands for a byte stay apart. Line ends and
    tabs are ⏎ and ⇥; other control characters, marks of direction and bytes that are no character
    are escapes. A combining mark at the start is one too: it would change what stands before it.

    >>> pieces(b"a\xe2\\n\n")
    ['a', '\\xe2', '\\n', '⏎']
    """
    found = [""]
    for index, character in enumerate(data.decode("utf-8", errors="surrogateescape")):
        spelt = _spelt(character, first=index == 0)
        is_spelt = spelt is not None
        if is_spelt != (len(found) % 2 == 0):
            found.append("")
        found[-1] += spelt if spelt is not None else character
    return found


def _spelt(character: str, *, first: bool) -> str | None:
    """How it is spelt out, or None if it can be shown as it is."""
    if character in _SYMBOLS:
        return _SYMBOLS[character]
    if _FIRST_BYTE <= ord(character) <= _LAST_BYTE:
        return f"\\x{ord(character) - _FIRST_BYTE + 0x80:02x}"
    combines = first and unicodedata.category(character).startswith("M")
    if character.isprintable() and not combines:
        return None
    return character.encode("unicode_escape").decode()
