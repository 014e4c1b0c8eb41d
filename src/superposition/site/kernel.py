"""A page executed: its Python cells run, its inline expressions have values, all of it Markdown.

Each page has a process of its own, forked from one that has imported what pages import. The output
is what Quarto makes of the same cells, as far as the paper uses it.
"""

import io
import multiprocessing
import os
import pkgutil
import re
import signal
import sys
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from IPython.core.displayhook import CapturingDisplayHook
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from superposition.site import source
from superposition.site.source import Cell

SECONDS_PER_CELL = 600
IMPORTED = ("charts", "prose", "site")
"""The subpackages that are imported once, before the first page: each page would take seconds."""
_SPECIAL = re.compile(r"([\\`*_{}\[\]()>#+,\-.!])")

Output = dict[str, Any]
"""Something that a cell showed: its `data` by MIME type."""


class CellError(ValueError):
    """A cell or an inline expression that raised, or a page that brought its Python down."""


def execute(cells: list[Cell], *, root: Path) -> str:
    """The page as Markdown, its cells run in order by this interpreter in the folder `root`."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(_modules())
    receiver, sender = processes.Pipe(duplex=False)
    process = processes.Process(target=_send_page, args=(cells, root, sender))
    process.start()
    sender.close()
    with receiver:
        try:
            found = receiver.recv()
        except EOFError:
            found = None
    process.join()
    code = process.exitcode
    process.close()
    if isinstance(found, str):
        return found
    raise found or CellError(f"its Python ended with code {code}")


def _modules() -> list[str]:
    """The modules that the process behind all pages imports."""
    folders = [Path(__file__).parents[1] / name for name in IMPORTED]
    found = (pkgutil.iter_modules([str(each)], f"superposition.{each.name}.") for each in folders)
    return [module.name for modules in found for module in modules]


def _send_page(cells: list[Cell], root: Path, sender: Connection) -> None:
    """Run a page in this process and send its Markdown, or what went wrong."""
    os.chdir(root)
    sys.path.insert(0, str(root))
    torch.set_num_threads(1)  # pages run side by side
    signal.signal(signal.SIGALRM, _interrupt)
    shell = _shell()
    with redirect_stderr(io.StringIO()):
        try:
            sender.send("\n".join(_run(shell, cell) for cell in cells))
        except CellError as error:
            sender.send(error)


def _interrupt(*_: object) -> None:
    raise TimeoutError(f"takes more than {SECONDS_PER_CELL} seconds")


def _shell() -> InteractiveShell:
    """IPython as in a notebook, without a history."""
    return InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))


def _run(shell: InteractiveShell, cell: Cell) -> str:
    signal.alarm(SECONDS_PER_CELL)
    if not cell.is_code:
        return source.substitute(cell.source, _values(shell, cell))
    return markdown(cell, _outputs(shell, cell) if cell.options.get("eval", True) else [])


def _outputs(shell: InteractiveShell, cell: Cell) -> list[Output]:
    """What the cell prints, displays and ends with, in this order in time."""
    shell.display_pub = CapturingDisplayPublisher()
    outputs = shell.display_pub.outputs
    shell.display_trap.hook = CapturingDisplayHook(shell, outputs)
    with redirect_stdout(_Printed(outputs)):
        result = shell.run_cell(cell.source)
    error = result.error_before_exec or result.error_in_exec
    if error is not None:
        raise CellError(f"{cell.name}: {type(error).__name__}: {error}")
    return outputs


class _Printed(io.StringIO):
    """Standard output as one more thing that a cell shows."""

    def __init__(self, outputs: list[Output]) -> None:
        super().__init__()
        self.outputs = outputs

    def write(self, text: str, /) -> int:
        """Add `text` to what was printed before, unless something else was shown since."""
        if not self.outputs or "printed" not in self.outputs[-1]:
            self.outputs.append({"printed": True, "data": {"text/plain": ""}})
        self.outputs[-1]["data"]["text/plain"] += text
        return len(text)


def _values(shell: InteractiveShell, cell: Cell) -> dict[str, str]:
    """Each inline expression of a stretch of text with what it shows."""
    names = source.expressions(cell.source)
    found: dict[str, Any] = shell.user_expressions({name: name for name in names})
    return {name: _value(name, found[name], cell) for name in names}


def _value(name: str, reply: dict[str, Any], cell: Cell) -> str:
    if reply["status"] == "error":
        message = f"`{name}` in the text after line {cell.line}"
        raise CellError(f"{message}: {reply['ename']}: {reply['evalue']}")
    data = reply["data"]
    if "text/markdown" in data:
        return data["text/markdown"]
    text = data["text/plain"]
    if len(text) < 3 and text[:1] in ("'", '"'):
        raise CellError(f"`{name}` in the text after line {cell.line} is an empty string")
    return _SPECIAL.sub(r"\\\1", text[1:-1]) if text[0] in "'\"" else text


def markdown(cell: Cell, outputs: list[Output]) -> str:
    """A cell and its outputs as the Markdown of a figure, a table or a plain stretch."""
    if not cell.options.get("include", True):
        return ""
    label = str(cell.options.get("label", ""))
    code = _echo(cell)
    if cell.options.get("output", True) is False:
        return code
    shown = "\n\n".join(filter(None, map(_output, outputs)))
    if not shown:
        return code
    if cell.options.get("output") == "asis":
        return f"{code}\n{shown}\n"
    caption = cell.options.get("fig-cap") or cell.options.get("tbl-cap") or ""
    column = f" .column-{cell.options['column']}" if "column" in cell.options else ""
    name = f"#{label} " if label else ""
    return f"{code}\n:::::: {{{name}.cell{column}}}\n{shown}\n\n{caption}\n::::::\n"


def _echo(cell: Cell) -> str:
    if not cell.options.get("echo", False):
        return ""
    block = f"```{{.python .cell-code}}\n{cell.source}\n```\n"
    if cell.options.get("code-fold"):
        return f"\n<details class='code-fold'><summary>Code</summary>\n\n{block}\n</details>\n"
    return f"\n{block}"


def _output(output: Output) -> str:
    data = output["data"]
    if "text/markdown" in data:
        return data["text/markdown"]
    if "image/svg+xml" in data:
        return f"```{{=html}}\n{data['image/svg+xml']}\n```"
    if "image/png" in data:
        return f"![](data:image/png;base64,{data['image/png'].strip()})"
    if "text/html" in data:
        raise CellError(
            "a cell shows text/html, which would load scripts: hand it to show or table"
        )
    return _verbatim(data.get("text/plain", ""))


def _verbatim(text: str) -> str:
    return f"::: {{.cell-output}}\n```\n{text.rstrip()}\n```\n:::"
