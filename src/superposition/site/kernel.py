"""A page executed: its Python cells run, its inline expressions have values, all of it Markdown.

The output is what Quarto makes of the same cells, as far as the paper uses it.
"""

import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_event_loop
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from superposition.site import source
from superposition.site.source import Cell

SECONDS_PER_CELL = 600
_SPECIAL = re.compile(r"([\\`*_{}\[\]()>#+,\-.!])")


class CellError(ValueError):
    """A cell or an inline expression that raised."""


def execute(cells: list[Cell], *, root: Path) -> str:
    """The page as Markdown, its cells run in order by this interpreter in the folder `root`."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(cell.source) for cell in cells]
    client = NotebookClient(
        notebook,
        km=_this_interpreter(),
        timeout=SECONDS_PER_CELL,
        resources={"metadata": {"path": str(root)}},
    )
    try:
        with client.setup_kernel(cwd=str(root), cleanup_kc=True):
            return "\n".join(_run(client, cell, index) for index, cell in enumerate(cells))
    finally:
        ensure_event_loop().close()  # nbclient opens one for each thread and leaves it open


def _this_interpreter() -> AsyncKernelManager:
    """A kernel of the running Python, whatever kernels are installed on the machine."""
    manager = AsyncKernelManager(kernel_name="python3")
    manager.kernel_spec_manager = KernelSpecManager(kernel_dirs=[], ensure_native_kernel=True)
    assert manager.kernel_spec is not None
    manager.kernel_spec.argv[0] = sys.executable
    manager.kernel_spec.argv.append("--log-level=ERROR")
    return manager


def _run(client: NotebookClient, cell: Cell, index: int) -> str:
    if not cell.is_code:
        return source.substitute(cell.source, _values(client, cell))
    outputs: list[Any] = []
    if cell.options.get("eval", True):
        try:
            outputs = client.execute_cell(client.nb.cells[index], index).outputs
        except CellExecutionError as error:
            raise CellError(f"{cell.name}: {error.ename}: {error.evalue}") from None
    shown = next((output for output in outputs if output.output_type == "error"), None)
    if shown:
        raise CellError(f"{cell.name}: {shown.ename}: {shown.evalue}")
    return markdown(cell, outputs)


def _values(client: NotebookClient, cell: Cell) -> dict[str, str]:
    """Each inline expression of a stretch of text with what it shows."""
    names = source.expressions(cell.source)
    if not names:
        return {}
    asked = {str(number): name for number, name in enumerate(names)}
    assert client.kc is not None
    message = client.kc.execute("", user_expressions=asked)
    reply: Any = client.wait_for_reply(message)
    replies = reply["content"]["user_expressions"]
    return {name: _value(name, replies[number], cell) for number, name in asked.items()}


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


def markdown(cell: Cell, outputs: list[Any]) -> str:
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


def _output(output: Any) -> str:
    if output.output_type == "stream":
        return _verbatim(output.text) if output.name == "stdout" else ""
    data = output.data
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
