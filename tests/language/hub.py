"""A Hugging Face hub on this machine that holds one tiny data set, `owner/tiny`."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pandas as pd

COMMIT = "a" * 40
DOCUMENTS = [f"Document {number} says so {'again and ' * 20}again." for number in range(10, 50)]
README = """---
license: cc0-1.0
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*.parquet
---
# A tiny data set
"""


def _shard(texts: list[str]) -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame({"text": texts}).to_parquet(buffer)
    return buffer.getvalue()


FILES = {
    "README.md": README.encode(),
    "data/train-00000-of-00002.parquet": _shard(DOCUMENTS[::2]),
    "data/train-00001-of-00002.parquet": _shard(DOCUMENTS[1::2]),
}
INFO = {
    "id": "owner/tiny",
    "sha": COMMIT,
    "private": False,
    "tags": [],
    "siblings": [{"rfilename": name} for name in FILES],
    "cardData": {"license": "cc0-1.0"},
}


class Hub(BaseHTTPRequestHandler):
    """The few requests that `datasets` makes when it streams."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        about, files = "/api/datasets/owner/tiny", "/datasets/owner/tiny/resolve/"
        if path.startswith(f"{about}/tree/{COMMIT}"):
            self._answer(_tree(path.removeprefix(f"{about}/tree/{COMMIT}").strip("/")))
        elif path == about or path.startswith(f"{about}/revision/"):
            self._answer(json.dumps(INFO).encode())
        elif path.startswith(files) and path.split("/", 6)[-1] in FILES:
            self._answer(FILES[path.split("/", 6)[-1]])
        else:
            self._answer(b"{}", status=404)

    def _answer(self, content: bytes, *, status: int = 200) -> None:
        total, wanted = len(content), self.headers.get("Range")
        self.send_response(206 if wanted and status == 200 else status)
        if wanted and status == 200:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            content = content[int(first) : int(last or total) + 1]
            end = int(first) + len(content) - 1
            self.send_header("Content-Range", f"bytes {first}-{end}/{total}")
        if status == 404:
            known = self.path.startswith(("/api/datasets/owner/tiny", "/datasets/owner/tiny"))
            self.send_header("X-Error-Code", "EntryNotFound" if known else "RepoNotFound")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{total}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def _tree(folder: str) -> bytes:
    """What lies directly in `folder` of the data set."""
    prefix = f"{folder}/" if folder else ""
    entries: list[dict[str, str | int]] = []
    for name, content in FILES.items():
        head, _, rest = name.removeprefix(prefix).partition("/")
        if not name.startswith(prefix):
            continue
        entry: dict[str, str | int] = {"path": prefix + head, "oid": COMMIT}
        entry |= {"type": "directory"} if rest else {"type": "file", "size": len(content)}
        entries += [entry] if entry not in entries else []
    return json.dumps(entries).encode()


@contextmanager
def serve() -> Iterator[str]:
    """The address of a running hub."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
