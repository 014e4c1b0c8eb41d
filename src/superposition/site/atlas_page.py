"""The frame of the atlas in its page: an element that atlas.js fills from the files beside it."""

from html import escape

from IPython.display import Markdown

from superposition.results import Results
from superposition.site import atlas, navigation


def frame(r: Results) -> Markdown:
    """The element, its style and its script, and what to do where there are no scripts."""
    project = navigation.read(r.store.root)
    about = {
        "folder": atlas.FOLDER,
        "site": project.title,
        "author": _author(project.tree),
        "year": str(project.tree.get("date", ""))[:4],
    }
    data = " ".join(f'data-{name}="{escape(text)}"' for name, text in about.items())
    return Markdown(
        "```{=html}\n"
        '<link rel="stylesheet" href="styles/atlas.css">\n'
        f'<div id="atlas" {data}><p>Loading the atlas.</p></div>\n'
        "<noscript>The atlas is put together by a script; its tables are in data/.</noscript>\n"
        '<script src="styles/atlas.js" defer></script>\n'
        "```\n"
    )


def _author(tree: dict) -> str:
    author = tree.get("author", "")
    if isinstance(author, str):
        return author
    names = (each.get("name", "") if isinstance(each, dict) else each for each in author)
    return " and ".join(n["literal"] if isinstance(n, dict) else str(n) for n in names)
