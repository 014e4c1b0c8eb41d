"""What the pages say of the text that was trained on, which may be a reader's own."""

from typing import Any

from IPython.display import Markdown

from superposition.site.cards import plain


def source(text: dict[str, Any]) -> Markdown:
    """Where the text comes from, in words: `text` is the section of params.yaml."""
    match text["source"]:
        case "packages":
            return Markdown("the Python code of published packages")
        case "folder":
            return Markdown(f"the files of the folder {plain(text['folder'])}")
        case _:
            return Markdown(f"the data set {plain(text['dataset'])}")


def note(text: dict[str, Any]) -> Markdown:
    """A note that the page tells of another text than this one; nothing for the default."""
    if text["source"] == "packages":
        return Markdown("")
    return Markdown(
        f"::: {{.callout-note}}\n## Another text\nThis site was built from {source(text).data}. "
        "What the next paragraphs say of packages is true of the default text only.\n:::\n"
    )
