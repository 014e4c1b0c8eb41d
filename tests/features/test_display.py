"""Hostile and invisible text comes out visible and inert."""

from html.parser import HTMLParser

import pytest

from superposition.features.display import highlight, visible

HOSTILE = [
    "<script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "' style='x",
    "&lt;b&gt;",
    "</bdi></span><img src=x>",
    "-->",
    "]]>",
    "{{< include /etc/passwd >}}",
    "[a](javascript:alert(1))",
    "`{python} 1`",
    "$x$",
    "\\(x\\)",
]


class Reader(HTMLParser):
    """The tags and the text that a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_it_is_and_adds_no_tag_or_attribute(text: str):
    page = read(highlight([text, "x"], [1.0, 0.0], offset=0))
    assert page.text == text + "x"
    assert page.tags == ["span", "bdi", "bdi"]
    assert set(page.attributes) == {"class", "translate", "style", "title"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\n", "⏎"),
        ("\r\n", "\\r⏎"),
        ("\t", "⇥"),
        ("    ", "    "),
        ("\x00\x1b", "\\x00\\x1b"),
        ("\u202eevil", "\\u202eevil"),
        ("\u200b", "\\u200b"),
        ("\u2066", "\\u2066"),
        ("\u00a0", "\\xa0"),
        ("\u2028", "\\u2028"),
        ("\ud800", "\\ud800"),
        ("\u0338x", "\\u0338x"),
        ("e\u0301", "e\u0301"),
        ("مرحبا", "مرحبا"),
        ("", ""),
    ],
)
def test_what_cannot_be_seen_is_spelt_out(text: str, shown: str):
    assert visible(text) == shown
    assert read(highlight([text], [1.0], offset=0)).text == shown


def test_the_output_is_one_line_that_no_markdown_reader_would_break():
    html = highlight(["a\n", "\n", "    b", "*c*"], [0.0, 1.0, 0.0, 0.0], offset=1)
    assert "\n" not in html
    assert "*" not in html


def test_only_the_token_at_the_offset_is_marked():
    html = highlight(["a", "b", "c"], [0.0, 1.0, 0.5], offset=1)
    assert html.count('class="token at"') == 1
    assert html.index('class="token at"') < html.index(">b</bdi>") < html.index(">c</bdi>")


@pytest.mark.parametrize("factor", [0.1, 1.0, 1000.0])
def test_shades_do_not_depend_on_the_scale_of_the_activations(factor: float):
    html = highlight(["a", "b"], [1.0 * factor, 4.0 * factor], offset=1)
    assert "--activation:0.250" in html
    assert "--activation:1.000" in html


@pytest.mark.parametrize("activation", [float("nan"), float("inf"), -1.0, 0.0])
def test_shades_stay_between_0_and_1(activation: float):
    assert "--activation:0.000" in highlight(["a"], [activation], offset=0, maximum=1.0)


def test_a_length_or_an_offset_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="2 tokens but 1 activations"):
        highlight(["a", "b"], [1.0], offset=0)
    with pytest.raises(ValueError, match="offset=2 is outside the 2 tokens"):
        highlight(["a", "b"], [1.0, 0.0], offset=2)
