import base64
import hashlib
import json
import os
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest
from tests.language.hub import DOCUMENTS, README, serve
from tests.language.site_packages import install

from superposition.language.selection import File
from superposition.language.sources import (
    Source,
    folder_source,
    huggingface_source,
    package_source,
)

MODULE = '"""A module."""\n'


def problems(source: Source) -> dict[str, str]:
    return {file.path: file.problem for file in source.files}


def test_only_python_files_of_the_record_are_text(tmp_path: Path) -> None:
    install(tmp_path, "one", "1.0", {"one/b.py": "b = 1\r\n", "one/a.py": MODULE, "one/c.so": "x"})
    (tmp_path / "one" / "stray.py").write_text("not in RECORD")
    source = package_source("one==1.0\n", site=[str(tmp_path)])
    assert list(source.files) == [
        File("one", "one/a.py", MODULE, len(MODULE)),
        File("one", "one/b.py", "b = 1\n", 6),
    ]


def test_a_package_installed_here_is_as_its_record_says() -> None:
    files = list(package_source(f"einops=={version('einops')}").files)
    assert len(files) > 5
    assert {file.problem for file in files} == {""}
    assert "def rearrange(" in "".join(file.text for file in files)


def test_files_that_are_not_as_recorded_are_left_out_and_say_why(tmp_path: Path) -> None:
    names = ["fine", "edited", "gone", "bytes", "nul"]
    info = install(tmp_path, "one", "1.0", {f"{name}.py": MODULE for name in names})
    (tmp_path / "edited.py").write_text("edited")
    (tmp_path / "gone.py").unlink()
    record = info / "RECORD"
    for name, content in {"bytes": b"caf\xe9", "nul": b"a\0b"}.items():
        (tmp_path / f"{name}.py").write_bytes(content)
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        record.write_text(record.read_text() + f"{name}2.py,sha256={digest},4\n")
        (tmp_path / f"{name}2.py").write_bytes(content)
    record.write_text(record.read_text() + "unhashed.py,,\nweak.py,md5=abc,3\n\n../../bin/x.py,,\n")
    for name in ("unhashed", "weak"):
        (tmp_path / f"{name}.py").write_text(MODULE)
    assert problems(package_source("one==1.0", site=[str(tmp_path)])) == {
        "bytes.py": "not as in RECORD",
        "bytes2.py": "not UTF-8",
        "edited.py": "not as in RECORD",
        "fine.py": "",
        "gone.py": "missing",
        "nul.py": "not as in RECORD",
        "nul2.py": "holds NUL bytes",
        "unhashed.py": "no sha256 in RECORD",
        "weak.py": "no sha256 in RECORD",
    }


def test_packages_that_give_nothing_say_why_and_the_others_are_read(tmp_path: Path) -> None:
    install(tmp_path, "fine", "1.0", {"fine.py": MODULE})
    install(tmp_path, "local", "2.0+cpu", {"local.py": MODULE})
    install(tmp_path, "newer", "2.0", {"newer.py": MODULE})
    (install(tmp_path, "eggs", "1.0", {}) / "RECORD").unlink()
    (install(tmp_path, "broken", "1.0", {}) / "METADATA").write_bytes(b"\xff\xfe\xff")
    (install(tmp_path, "broken2", "1.0", {}) / "direct_url.json").write_text("{")
    editable = json.dumps({"url": "file:///x", "dir_info": {"editable": True}})
    (install(tmp_path, "mine", "0.1", {"x.py": MODULE}) / "direct_url.json").write_text(editable)
    lock = "fine==1.0\nlocal==2.0\nnewer==1.0\nabsent==3.0 ; sys_platform == 'win32'\neggs==1.0\n"
    lock += "broken==1.0\nbroken2==1.0\nmine==0.1\n"
    source = package_source(lock, site=[str(tmp_path)])
    reasons = {origin.package: origin.problem for origin in source.origins}
    assert reasons.pop("broken").startswith("metadata cannot be read")
    assert reasons.pop("broken2").startswith("metadata cannot be read")
    assert reasons == {
        "absent": "not installed here",
        "eggs": "no RECORD",
        "fine": "",
        "local": "",
        "mine": "installed as editable",
        "newer": "version 2.0 is installed, 1.0 is pinned",
    }
    assert [file.package for file in source.files] == ["fine", "local"]


def test_a_lock_in_any_usual_form_is_read(tmp_path: Path) -> None:
    lock = "# by hand\n-e .\nOne_Two[extra]==1.0 ; python_version > '3' \\\n    --hash=sha256:00\n"
    lock += (
        "three == 3.0  # via one\nthree==4.0 ; python_version < '3'\nfour @ file:///x\nfive>=1\n"
    )
    install(tmp_path, "three", "3.0", {"three.py": MODULE})
    source = package_source(lock, site=[str(tmp_path)])
    assert [(origin.package, origin.version) for origin in source.origins] == [
        ("One_Two", "1.0"),
        ("three", "3.0"),
    ]
    assert len(list(source.files)) == 1


def test_a_lock_without_pins_is_refused() -> None:
    with pytest.raises(ValueError, match="pins no package"):
        package_source("numpy>=2\n")


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ({"License_Expression": "MIT OR Apache-2.0", "License": "MIT"}, "MIT OR Apache-2.0"),
        ({"License": "BSD 3-Clause"}, "BSD 3-Clause"),
        ({"License": "x" * 200, "Classifier": "License :: OSI Approved :: MIT"}, "MIT"),
        ({"License": "UNKNOWN", "Classifier": "Topic :: Text"}, "UNKNOWN"),
        ({}, ""),
    ],
)
def test_the_licence_is_the_shortest_clear_declaration(
    tmp_path: Path, metadata: dict[str, str], licence: str
) -> None:
    install(tmp_path, "one", "1.0", {}, **metadata)
    assert package_source("one==1.0", site=[str(tmp_path)]).origins[0].licence == licence


def test_a_folder_gives_every_file_that_is_text_at_any_depth(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    contents = {
        "a.md": b"# A\r\nb\rc",
        "deep/b": "été".encode(),
        "c.png": b"\x89PNG\0",
        "d": b"\xe9",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "e").symlink_to(tmp_path / "nowhere")
    source = folder_source(tmp_path)
    assert list(source.files) == [
        File(tmp_path.name, "a.md", "# A\nb\nc", 7),
        File(tmp_path.name, "c.png", "", 0, "holds NUL bytes"),
        File(tmp_path.name, "d", "", 0, "not UTF-8"),
        File(tmp_path.name, "deep/b", "été", 5),
    ]


@pytest.mark.parametrize(("name", "problem"), [("", "holds no file"), ("nowhere", "is no folder")])
def test_a_missing_or_empty_folder_is_refused_by_name(
    tmp_path: Path, name: str, problem: str
) -> None:
    with pytest.raises(ValueError, match=f"text.folder='.*{name}' {problem}"):
        folder_source(tmp_path / name)


def read_dataset(dataset: str, *, config: str | None = None, column: str = "text") -> Source:
    return huggingface_source(
        dataset,
        config=config,
        split="train",
        column=column,
        revision=None,
        max_bytes=100_000,
        seed=0,
    )


@pytest.fixture
def dataset_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set in the layout it has on the hub: a card with configurations, and shards."""
    pause_after_reading = "datasets.config.SLEEP_TIME_ON_THREADS_SHUTDOWN"
    monkeypatch.setattr(pause_after_reading, 0, raising=False)
    (tmp_path / "data").mkdir()
    (tmp_path / "README.md").write_text(README)
    for shard in range(2):
        texts = pd.DataFrame({"text": DOCUMENTS[shard::2]})
        texts.to_parquet(tmp_path / "data" / f"train-0000{shard}-of-00002.parquet")
    return tmp_path


def test_a_data_set_in_the_hubs_layout_is_read_shuffled(dataset_folder: Path) -> None:
    texts, again = (
        [file.text for file in read_dataset(str(dataset_folder)).files] for _ in range(2)
    )
    assert sorted(texts) == sorted(DOCUMENTS)
    assert texts != sorted(DOCUMENTS)
    assert texts == again


def test_no_more_of_a_data_set_is_read_than_asked_for(dataset_folder: Path) -> None:
    source = huggingface_source(
        str(dataset_folder),
        config="default",
        split="train",
        column="text",
        revision=None,
        max_bytes=3 * len(DOCUMENTS[0]),
        seed=0,
    )
    assert len(list(source.files)) == 3


def test_an_unknown_column_lists_those_that_exist(dataset_folder: Path) -> None:
    with pytest.raises(ValueError, match=r"text\.dataset_column='body'.*have: text"):
        list(read_dataset(str(dataset_folder), column="body").files)


def test_an_unknown_configuration_is_one_sentence(dataset_folder: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot be read .*BuilderConfig 'x' not found") as caught:
        read_dataset(str(dataset_folder), config="x")
    assert "\n" not in str(caught.value)


def test_without_a_network_a_data_set_is_refused_at_once_in_one_sentence() -> None:
    started = time.monotonic()
    with pytest.raises(ValueError, match=r"text\.dataset='owner/name' cannot be read") as caught:
        read_dataset("owner/name")
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert time.monotonic() - started < 5


READ = """
import sys
from superposition.language.sources import huggingface_source
source = huggingface_source(sys.argv[1], config=None, split="train", column="text",
    revision=None, max_bytes=100_000, seed=0)
print(source.origins[0])
print(len({file.text for file in source.files}))
"""


def read_from_hub(endpoint: str, dataset: str, cache: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": endpoint}
    environment |= {"HF_HOME": str(cache), "HF_HUB_DISABLE_TELEMETRY": "1", "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-c", READ, dataset]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_data_set_is_read_from_a_hub_over_http(tmp_path: Path) -> None:
    with serve() as endpoint:
        done = read_from_hub(endpoint, "owner/tiny", tmp_path)
    assert "version='aaaaaaa" in done.stdout, done.stderr
    assert "licence='cc0-1.0'" in done.stdout
    assert done.stdout.splitlines()[-1] == str(len(DOCUMENTS))


@pytest.mark.slow
@pytest.mark.parametrize("up", [True, False])
def test_a_hub_that_is_down_or_lacks_the_data_set_gives_one_sentence(
    tmp_path: Path, up: bool
) -> None:
    started = time.monotonic()
    with serve() as endpoint:
        done = read_from_hub(endpoint if up else "http://127.0.0.1:9", "owner/none", tmp_path)
    assert done.stderr.splitlines()[-1].startswith("ValueError: text.dataset='owner/none' cannot")
    assert "Retrying" not in done.stderr
    assert time.monotonic() - started < 20
