"""Hand-written text and, for every concept, the pieces of it that must have the concept.

A piece is what the tokenizer cuts before any merge: a word with the character before it, a digit, a
run of punctuation with the end of its line, or white space. Pieces are written without the spaces
around them, with ⏎ for a line break and ␣ for white space alone.
"""

import numpy as np
from tokenizers import Regex, pre_tokenizers

from superposition.language.concepts.alignment import Extents, counting_part
from superposition.language.concepts.catalogue import CATALOGUE
from superposition.language.concepts.documents import spans_of
from superposition.language.concepts.labelling import label_document
from superposition.language.tokens import WORD

CUT = pre_tokenizers.Split(Regex(WORD), behavior="isolated")

KEYWORDS = """\
async def f(x):
    global a
    await x
    for i in x:
        if i is None and True or not False:
            continue
        elif x:
            break
        else:
            pass
    try:
        assert x
        del x
    except E as e:
        raise
    finally:
        return lambda: x
class C:
    def g(self):
        nonlocal a
        while x:
            yield x
        with x as y:
            import z
            from z import w
        match x:
            case 1:
                pass
"""

Case = tuple[str, dict[str, str]]

ROLES: list[Case] = [
    (
        "for a in b:\n    c = [d for e in f if g in h]\n    if i not in j and k is not l: pass\n",
        {
            "for of a loop": "for",
            "for of a comprehension": "for",
            "if of a statement": "if",
            "if of an expression": "if",
            "in of a loop": "in in",
            "in of a test": "in in",
            "not in": "not in",
            "is not": "is not",
        },
    ),
    (
        "if a:\n    b = c if d else e\nelse:\n    pass\n",
        {"else of a statement": "else", "else of an expression": "else"},
    ),
    (
        "from a import b as c\nimport d as e\nwith f as g:\n    pass\ntry:\n    pass\n"
        "except h as i:\n    raise j from k\n",
        {
            "as of an import": "as as",
            "as of with": "as",
            "as of except": "as",
            "from of an import": "from",
            "import after from": "import",
            "imported name": "b",
            "import alias": "c e",
            "module after from": "a",
            "imported module": "d",
            "import statement": "from a import b as c import d as e",
            "name of the caught exception": "i",
            "caught exception": "h",
            "with target": "g",
            "context manager": "f",
        },
    ),
    (
        "async def f():\n    async for a in b: pass\n",
        {
            "for of a loop": "for",
            "in of a loop": "in",
            "async function": "async def f ():⏎ ␣ async for a in b : pass",
        },
    ),
]

DEFINITIONS: list[Case] = [
    (
        "@wrap\ndef run(a, b: int = 1, *c, d='x', **e: str) -> bool:\n    return a + z\n",
        {
            "function name": "run",
            "method name": "",
            "decorator": "@wrap",
            "decorator @": "@wrap",
            "parameter name": "(a b c d e",
            "parameter annotation": "int str",
            "return annotation": "bool",
            "annotation": "int str bool",
            "default value": "1 =' x ',",
            "starred parameter": "c e",
            "parameter with a default": "b d",
            "head of a function": "def run (a , b : int = ␣ 1 , * c , d =' x ', ** e : str ) ->"
            " bool :⏎",
            "parameter read": "a",
            "->": "->",
        },
    ),
    (
        "class Tree(Base, metaclass=Meta):\n    size: int = 3\n    def __init__(self):\n"
        "        self.size = 4\n    @property\n    def deep(self): return self._d\n",
        {
            "class name": "Tree",
            "base class": "(Base",
            "head of a class": "class Tree (Base , metaclass =Meta ):⏎",
            "variable annotation": "int",
            "method name": "__ init __( deep",
            "__init__ body": "self .size = ␣ 4",
            "property": "return self ._ d",
            "self as a parameter": "self (self",
            "self": "self self",
            "attribute written": ".size",
            "attribute read": "._ d",
            "attribute of self": ".size ._ d",
            "object before a dot": "self self",
            "name assigned in a class": "size",
            "body of a class": "size : int = ␣ 3",
            "dunder name": "__ init __(",
            "private name": "._ d",
        },
    ),
    (
        "def test_outer():\n    def inner():\n        import x\n        return 1\n"
        "    return inner\n",
        {
            "test function": "def inner ():⏎ ␣ import x ⏎ ␣ return ␣ 1 ⏎ ␣ return inner",
            "nested function": "import x ⏎ ␣ return ␣ 1",
            "import in a function": "import x",
        },
    ),
    (
        "key = lambda k, *r: k + 1\n",
        {
            "lambda parameter": "k r",
            "lambda body": "k + ␣ 1",
            "lambda colon": ":",
            "name assigned in a module": "key",
        },
    ),
    (
        "from ..deep.er import (one)\n__all__ = ['one']\n",
        {
            "relative import": "..",
            "module after from": "deep .er",
            "imported name": "one",
            "__all__": "[' one ']⏎",
        },
    ),
]

NAMES: list[Case] = [
    (
        "class K:\n    def m(cls, p):\n        q, r = p, len(cls)\n        return q + MAX_N\n",
        {
            "local variable written": "q r",
            "local variable read": "q",
            "parameter read": "p",
            "cls": "(cls",
            "builtin": "len",
            "builtin called": "len",
            "constant": "MAX _N",
            "one-letter name": "K m p q r p q",
            "class-like name": "",
            "unpacking target": "q , r",
            "SCREAMING_SNAKE": "MAX _N",
        },
    ),
    (
        "raise MyError(a_rather_very_long_name)\n",
        {
            "exception name": "MyError",
            "class-like name": "MyError",
            "class called": "MyError",
            "long name": "(a _rather _very _long _name",
            "raised exception": "MyError (a _rather _very _long _name )⏎",
            "exception message": "(a _rather _very _long _name",
            "PascalCase": "MyError",
            "snake_case": "(a _rather _very _long _name",
        },
    ),
]

CALLS: list[Case] = [
    (
        "f(a, g(b), *c, key=d, **e)\n",
        {
            "function called": "f g",
            "positional argument": "(a g (b ), * c",
            "first argument": "(a (b",
            "later argument": "g (b ), * c",
            "keyword-argument name": "key",
            "keyword-argument value": "=d e",
            "starred argument": "* c ** e",
            "call within a call": "g (b ),",
            "keyword =": "=d",
            "unpacking star": "* **",
            "comma in a call": ", ), , ,",
            "expression statement": "f (a , g (b ), * c , key =d , ** e )⏎",
        },
    ),
    (
        "x.strip().split(',')\nre.sub('a+', b)\n",
        {
            "method called": ".strip split .sub",
            "chained call": "split",
            "call without arguments": "().",
            "string as an argument": "(',')⏎ (' a +',",
            "regular expression": "(' a +',",
        },
    ),
]

EXPRESSIONS: list[Case] = [
    (
        "if not a == 'b' or c < -1 is None:\n    d = e[0] + f['g'][1:2]\n",
        {
            "left of a comparison": "a c",
            "right of a comparison": "' b ' - 1 None",
            "operand of and, or": "not a == ' b ' c < - 1 is None",
            "operand of not": "a == ' b '",
            "None compared": "c < - 1 is None",
            "string compared": "' b '",
            "if condition": "not a == ' b ' or c < - 1 is None",
            "left operand": "e [ 0 ]",
            "right operand": "f [' g '][ 1 : 2 ]⏎",
            "subscripted": "e f [' g '][",
            "subscript": "0 [' g '][ 1 : 2",
            "integer subscript": "0",
            "string subscript": "[' g '][",
            "slice": "1 : 2",
            "slice colon": ":",
            "== or !=": "==",
            "order comparison": "<",
            "negative sign": "-",
            "+": "+",
            "assigned value": "e [ 0 ] + f [' g '][ 1 : 2 ]⏎",
            "assignment target": "d",
            "assignment =": "=",
            "zero": "0",
            "one": "1 1",
        },
    ),
    (
        "a = [1, 'b']\nc = {'d': 'e', f: 2,}\ng = {3, 4}\nh = (5, [])\n",
        {
            "list display": "[ 1 , ' b ']⏎ [])⏎",
            "string in a list": "' b ']⏎",
            "dict display": "{' d ': ' e ', f : ␣ 2 ,}⏎",
            "dict key": "{' d ': f",
            "dict value": "' e ', 2",
            "string as a dict key": "{' d ':",
            "string as a dict value": "' e ',",
            "set display": "{ 3 , ␣ 4 }⏎",
            "tuple display": "( 5 , [])⏎",
            "empty display": "[])⏎",
            "dict colon": "': :",
            "comma in square brackets": ",",
            "comma in braces": "', ,}⏎ ,",
            "trailing comma": ",}⏎",
            "inside square brackets": "[ 1 , ' b ']⏎ [])⏎",
            "inside braces": "{' d ': ' e ', f : ␣ 2 ,}⏎ { 3 , ␣ 4 }⏎",
        },
    ),
    (
        "a = [b + 1 for b in c if d]\ne = {f: g for f in h}\ni = (j for j in k)\n"
        "l = m if n else o\n",
        {
            "list comprehension": "[ b + ␣ 1 for b in c if d ]⏎",
            "dict or set comprehension": "{ f : g for f in h }⏎",
            "generator expression": "( j for j in k )⏎",
            "element of a comprehension": "b + ␣ 1 f g j",
            "variable of a comprehension": "b f j",
            "iterable of a comprehension": "c h k",
            "filter of a comprehension": "d",
            "conditional expression": "m if n else o",
            "condition of an expression": "n",
        },
    ),
    (
        "async def f():\n    await g(h)\n    yield i, (j := 1)\n",
        {
            "awaited": "g (h )⏎",
            "yielded": "i , ( j := ␣ 1 )⏎",
            "walrus": "j := ␣ 1",
        },
    ),
]

STATEMENTS: list[Case] = [
    (
        "x += 1\ndel y\nassert a, 'no'\nf(x)\n",
        {
            "augmented target": "x",
            "augmented value": "1",
            "augmented assignment": "+=",
            "deleted": "y",
            "asserted": "a",
            "assert message": "' no '⏎",
            "expression statement": "f (x )⏎",
            "top level": "x += ␣ 1 del y assert a , ' no '⏎ f (x )⏎",
        },
    ),
    (
        "for a in b:\n    if c: d()\n    else: e()\nwhile g: h()\n",
        {
            "loop target": "a",
            "loop iterable": "b",
            "body of a loop": "if c : d ()⏎ ␣ else : e ()⏎ h ()⏎",
            "body of if": "d ()⏎",
            "body of else": "e ()⏎",
            "while condition": "g",
            "block colon": ":⏎ : : :",
        },
    ),
    (
        "try:\n    a\nexcept (B, C) as d:\n    e\nwith f() as g:\n    h\n",
        {
            "body of try": "a",
            "body of except": "e",
            "body of with": "h",
            "caught exception": "( B , C )",
            "name of the caught exception": "d",
        },
    ),
    (
        "def f():\n    return a + b\nif __name__ == '__main__':\n    f()\n",
        {
            "return value": "a + b",
            "if __name__": "if __ name __ == '__ main __':⏎ ␣ f ()⏎",
        },
    ),
    (
        "raise ValueError('bad ' f'thing {x}')\n",
        {
            "string as an exception message": "(' bad ' f 'thing { x }')⏎",
            "adjacent strings": "f 'thing { x }')⏎",
        },
    ),
]

LAYOUT: list[Case] = [
    (
        "a = 1\n\nif b:\n    # why\n    c = [1,\n         2]\n\n"
        "    d = {(3): [(4)]}  # so\ne = 'f'\n",
        {
            "first token of a statement": "a if c d e",
            "second token of a statement": "= b = = =",
            "third token of a statement": "1 :⏎ [ {( '",
            "last token of a statement": "1 :⏎ ]⏎⏎ )]} '⏎",
            "end of a statement": "⏎⏎ :⏎ ]⏎⏎ ⏎ '⏎",
            "blank line": "⏎⏎ ]⏎⏎",
            "line break in brackets": ",⏎",
            "end of a comment": "⏎",
            "continued statement": "␣ ␣ 2 ]⏎⏎",
            "indentation": "␣ ␣ ␣",
            "indentation level 0": "a = ␣ 1 if b :⏎ e = ' f '⏎",
            "indentation level 1": "c = [ 1 ,⏎ ␣ ␣ 2 ]⏎⏎ d = {( 3 ): [( 4 )]}",
            "statement after a dedent": "e",
            "bracket depth 1": "[ 1 ,⏎ ␣ ␣ 2 ]⏎⏎ {( 3 ): [( 4 )]}",
            "bracket depth 2": "{( 3 ): [( 4 )]}",
            "bracket depth 3+": "[( 4 )]}",
            "inside round brackets": "{( 3 ): [( 4 )]}",
            "inside square brackets": "[ 1 ,⏎ ␣ ␣ 2 ]⏎⏎ [( )]}",
            "inside braces": "{( ): )]}",
            "opening bracket": "[ {( [(",
            "closing bracket": "]⏎⏎ ): )]}",
            "comment": "# why # so",
            "comment marker": "# #",
            "comment on its own line": "# why",
            "comment after code": "# so",
            "block colon": ":⏎",
        },
    ),
    (
        "if a:\n    if b:\n        if c:\n            if d:\n                e\n",
        {
            "indentation level 2": "if c :⏎",
            "indentation level 3": "if d :⏎",
            "indentation level 4+": "e",
        },
    ),
    (
        "f(" + "a, " * 6 + "b)\n" + "c = '" + "d " * 40 + "'\n",
        {"late in a statement": "a , b )⏎", "long line": "d " * 6 + "'⏎"},
    ),
]

OPERATORS: list[Case] = [
    (
        "a: int = b - c * d ** e / f % g | ~h\nprint(*i, **j)\nk = -l\nm = ...\n",
        {
            "annotation colon": ":",
            "variable annotation": "int",
            "-": "-",
            "*": "*",
            "**": "**",
            "/ or //": "/",
            "% operator": "%",
            "bitwise operator": "| ~",
            "unpacking star": "(* **",
            "negative sign": "-",
            "ellipsis": "...⏎",
            "+": "",
        },
    ),
    (
        "def f(a=1, *, b: int = 2): return g(c=3)\n",
        {"default =": "= =", "keyword =": "=", "unpacking star": "*,", "comma in a call": ""},
    ),
]

NUMBERS: list[Case] = [
    (
        "a1 = [0, 1, 12, 34567, 2024, 1.5, 2e3, 0xff, 'b 7']  # 8\n",
        {
            "integer": "0 1 1 2 3 4 5 6 7 2 0 2 4",
            "float": "1 . 5 2 e 3",
            "exponent": "2 e 3",
            "hexadecimal number": "0 xff",
            "zero": "0",
            "one": "1",
            "big integer": "3 4 5 6 7",
            "year": "2 0 2 4",
            "number in a name": "1",
            "number in a text": "7 8",
            "later digit": "2 4 5 6 7 0 2 4",
        },
    ),
]

STRINGS: list[Case] = [
    (
        "a = f'b {c.d!r:>{e}} f'\ng = r'\\h'\ni = b'j'\nk = '''l\nm'''\nn = ''\n",
        {
            "string": "f 'b { c .d !r :>{ e }} f '⏎ r '\\ h '⏎ b 'j '⏎ ''' l ⏎ m '''⏎ ''⏎",
            "f-string": "f 'b { c .d !r :>{ e }} f '⏎",
            "f-string expression": "c .d e",
            "f-string format": ":>{ e }}",
            "f-string text": "'b f",
            "attribute read": ".d",
            "object before a dot": "c",
            "raw string": "r '\\ h '⏎",
            "bytes": "b 'j '⏎",
            "long string": "''' l ⏎ m '''⏎",
            "empty string": "''⏎",
            "opening quote": "f 'b r '\\ b 'j ''' ''⏎",
            "closing quote": "'⏎ '⏎ '⏎ '''⏎ ''⏎",
        },
    ),
    (
        "a = 'one_1'\nb = 'two words'\nc = '{} {d} %s %(e)d'\nf = '\\t\\n\\x41'\n",
        {
            "string of one word": "' one _ 1 '⏎",
            "string with spaces": "' two words '⏎",
            "placeholder": "'{} { d } % s %( e )d",
            "escape sequence": "'\\ t \\n \\x 4 1",
            "line-break escape": "\\n",
            "unicode escape": "\\x 4 1",
        },
    ),
]

COMMENTS: list[Case] = [
    (
        "#!/bin/sh\n# -*- coding: utf-8 -*-\n# Copyright (c) 2020 A\n# All under a licence\n\n"
        "import a\n# TODO: more\nb = []  # type: list\nc = 1  # noqa: E501\n# ------\n"
        "# d = a.e(1)\n# a = b means much\n",
        {
            "shebang": "#!/ bin /sh",
            "encoding line": "# -*- coding : utf - 8 -*-⏎",
            "copyright line": "# Copyright ( c ) ␣ 2 0 2 0 A",
            "licence header": "#!/ bin /sh # -*- coding : utf - 8 -*-⏎ # Copyright ( c ) ␣ 2 0 2 "
            "0 A # All under a licence",
            "to-do": "# TODO : more",
            "type comment": "# type : list",
            "linter comment": "# noqa : E 5 0 1",
            "banner": "# ------⏎",
            "commented-out code": "# d = a .e ( 1 )⏎",
        },
    ),
]

NUMPYDOC = '''\
def f():
    """Add two numbers.

    More, see :func:`g` and ``h``.

    Parameters
    ----------
    a, b : int or None
        What.

    Returns
    -------
    sum

    Raises
    ------
    E

    See Also
    --------
    k

    Notes
    -----
    .. math:: x

    - item

    Examples
    --------
    >>> f(1,
    ...   2)
    3
    """
'''
DOCSTRINGS: list[Case] = [
    (
        NUMPYDOC,
        {
            "first line of a docstring": "Add two numbers .⏎⏎",
            "section header": "Parameters Returns Raises See Also Notes Examples",
            "section underline": "----------⏎ -------⏎ ------⏎ --------⏎ -----⏎ --------⏎",
            "numpydoc parameter": "a , b",
            "numpydoc type": "int or None",
            "Returns section": "␣ sum ⏎⏎",
            "Raises section": "␣ E ⏎⏎",
            "See Also section": "␣ k ⏎⏎",
            "Parameters section": "␣ a , b : int or None ⏎ ␣ What .⏎⏎",
            "Notes section": "␣ .. math :: x ⏎⏎ ␣ - item ⏎⏎",
            "reST directive": ".. math ::",
            "list item": "- item",
            "reST role": ": func :`",
            "code in backquotes": ":` g ` `` h ``.⏎⏎",
            "doctest prompt": ">>> ...",
            "doctest code": "f ( 1 ,⏎ ␣ ␣ 2 )⏎",
            "doctest output": "3",
            "Examples section": "␣ >>> f ( 1 ,⏎ ␣ ... ␣ ␣ 2 )⏎ ␣ ␣ 3 ⏎ ␣",
        },
    ),
]

GOOGLE = '''\
"""Module."""
class A:
    """Class.

    Args:
        name (str): Said.
        *rest: More.

    Outside: not one.
    """
    def f(self, x):
        """Say it: twice.

        :param x: what
        :return: all
        """
'''
DOCSTRINGS += [
    (
        GOOGLE,
        {
            "docstring of a module": '""" Module ."""⏎',
            "docstring of a class": '""" Class .⏎⏎ ␣ Args :⏎ ␣ name ( str ): Said .⏎ ␣ * rest :'
            ' More .⏎⏎ ␣ Outside : not one .⏎ ␣ """⏎',
            "docstring of a function": '""" Say it : twice .⏎⏎ ␣ : param x : what ⏎ ␣ : return :'
            ' all ⏎ ␣ """⏎',
            "first line of a docstring": 'Module ."""⏎ Class .⏎⏎ Say it : twice .⏎⏎',
            "Google header": "Args :⏎",
            "Google argument": "name * rest",
            "Sphinx field": ": param x : : return :",
            "blank line of a docstring": ".⏎⏎ .⏎⏎ .⏎⏎",
            "indentation in a docstring": "␣ ␣ ␣ ␣ ␣ ␣",
            "string": "",
        },
    ),
]

ENGLISH: list[Case] = [
    (
        '"""Return the first of these values, which can be found (quickly). It is not \'usable\'.\n'
        "\nThey don't use the Function to parsing IO and go by itself: creating option:\n"
        'see `the code` or a.b.the, the_x."""\n',
        {
            "determiner": "the these the",
            "preposition": "of to by",
            "pronoun": "It They itself",
            "modal verb": "can",
            "auxiliary verb": "be is",
            "conjunction": "and or",
            "negation": "not",
            "number word": "first",
            "question word": "which",
            "verb of computing": "Return use",
            "noun of computing": "values Function",
            "sentence start": "Return It They",
            "sentence end": '). \'.⏎⏎ ."""⏎',
            "comma in prose": ", ,",
            "colon in prose": ":⏎",
            "capital within a sentence": "Function",
            "word in capitals": "IO",
            "plural": "values",
            "-ing": "parsing creating",
            "-ed": "",
            "-ly": "quickly",
            "-tion": "Function option",
            "-able": "usable",
            "noun after a determiner": "first Function",
            "word after to": "parsing",
            "word after a preposition": "these itself",
            "in quotes": "' usable '.⏎⏎",
            "in parentheses": "( quickly ).",
            "contraction": "don 't",
        },
    ),
    (
        "x = 1  # created by hand\ny = 'the'\n",
        {"-ed": "created", "prose": "created by hand", "determiner": "", "preposition": "by"},
    ),
]

PATTERNS: list[Case] = [
    (
        "aB my_name TwoParts MAX_N One a.b.c np.abs --flag and == --- ==== <a href='x'> café\n",
        {
            "camelCase": "aB",
            "snake_case": "my _name",
            "PascalCase": "TwoParts",
            "SCREAMING_SNAKE": "MAX _N",
            "dotted name": "a .b .c",
            "module path of torch or numpy": "np .abs",
            "command-line option": "-- flag",
            "repeated punctuation": "====",
            "tag": "< a href =' x '>",
            "non-ASCII": "café",
        },
    ),
    (
        "see https://a.org/b?c=1 or me@a.org, src/a/b.txt, v1.2 and 1.2.3 of 2020-01-31 and"
        " May 2021\n",
        {
            "URL": "https :// a .org /b ?c = 1",
            "e-mail address": "me @a .org",
            "file path": "src /a /b .txt",
            "version": "v 1 . 2 1 . 2 . 3",
            "date": "2 0 2 0 - 0 1 - 3 1 May ␣ 2 0 2 1",
            "year": "2 0 2 0 2 0 2 1",
        },
    ),
    (
        "SELECT a FROM b\nACGTACGTACGT\n0123abcdef\nQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0\n"
        "antidisestablishmentarianism\n",
        {
            "SQL": "SELECT a FROM b",
            "DNA run": "ACGTACGTACGT",
            "hexadecimal run": "0 1 2 3 abcdef",
            "base64 run": "QUJDREVGR 0 hJSktMTU 5 PUFFSU 1 RVVldYWVo 0",
        },
    ),
]

PARSED: dict[str, list[Case]] = {
    "roles": ROLES,
    "definitions": DEFINITIONS,
    "names": NAMES,
    "calls": CALLS,
    "expressions": EXPRESSIONS,
    "statements": STATEMENTS,
    "layout": LAYOUT,
    "operators": OPERATORS,
    "numbers": NUMBERS,
    "strings": STRINGS,
    "comments": COMMENTS,
    "docstrings": DOCSTRINGS,
    "English": ENGLISH,
}


def labelled(text: str, concept: str, *, kind: str = "package", path: str = "a.py") -> str:
    """The pieces of `text` that have the concept."""
    pieces = [piece for piece, _ in CUT.pre_tokenize_str(text)]
    found = spans_of(text, kind=kind, path=path)
    labels = label_document(found.spans.in_bytes(text), text, places_of(pieces))
    of = [concept_of.name for concept_of in CATALOGUE].index(concept)
    tokens = labels.token[labels.concept == of] - 1
    return " ".join(pieces[token].replace("\n", "⏎").strip() or "␣" for token in tokens)


def places_of(pieces: list[str]) -> Extents:
    """Where the pieces lie in the bytes of their text."""
    contents = [piece.encode() for piece in pieces]
    begin = np.cumsum([0, *(len(content) for content in contents)])[:-1]
    parts = np.array([counting_part(content) for content in contents]).reshape(-1, 2)
    return Extents(begin + parts[:, 0], begin + parts[:, 1])
