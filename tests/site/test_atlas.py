"""The atlas: its parts, and the page in a browser, from disk and without a network."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from playwright.sync_api import Page
from tests.site import atlas_world
from tests.site.browser import DESKTOP, PHONE, running_chromium

from superposition.core.store import Store
from superposition.language import tokens
from superposition.results import Results
from superposition.site import atlas, atlas_page
from superposition.site.atlas_text import pieces

ROOT = Path(__file__).parents[2]
HOSTILE = (
    "</script><script>alert(1)</script> <img src=x onerror=alert(2)> \"q\" 'q' & \u202e\u05d0 \x1b"
)


def write_project(folder: Path, *, with_atlas: bool = True) -> Path:
    """A project whose only results are a hostile tokenizer and, perhaps, the atlas."""
    folder.mkdir(exist_ok=True)
    shutil.copy(ROOT / "params.yaml", folder)
    store = Store(scale="laptop", root=folder)
    config = tokens.TokensConfig(vocab_size=330, sample_bytes=10_000, seed=0)
    tokenizer = tokens.train_tokenizer([HOSTILE * 20], config)
    store.save_text(tokenizer.to_str(), "tokens", "tokenizer.json")
    if with_atlas:
        atlas_world.save(store)
    return folder


def write_concepts(folder: Path) -> None:
    """Latent 7 tells a concept with a hostile name."""
    store = Store(scale="laptop", root=folder)
    catalogue = {
        "concept": [0],
        "name": ["<b>shout</b>"],
        "group": "g",
        "rule": "",
        "kind": "token",
    }
    numbers = {"n_tokens": 9, "share": 0.1, "token_f1": 0.1, "judged": True}
    store.save_table(pd.DataFrame(catalogue | numbers), "concepts", "catalogue.parquet")
    scores = dict.fromkeys(("base_rate", "threshold", "precision", "recall", "f1", "mcc"), 0.75)
    match = {"unit": [7], "chosen_by": "mcc", "among": "any", "concept": 0} | scores
    store.save_table(pd.DataFrame(match), "interpretability", "batch-topk", "matches.parquet")


def build(folder: Path) -> Path:
    """The page with its parts, styles and script, as a renderer leaves them."""
    tree = {"website": {"title": "Superposition"}, "author": "Authors", "date": "2026-01-01"}
    (folder / "_quarto.yml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    (folder / "atlas.qmd").touch()
    page = folder / "site" / atlas.PAGE
    shutil.copytree(ROOT / "paper" / "styles", page.parent / "styles")
    frame = str(atlas_page.frame(Results.read(root=folder)).data)
    body = frame.removeprefix("```{=html}\n").removesuffix("```\n")
    page.write_text(f'<!DOCTYPE html><meta charset="utf-8"><main class="content">{body}</main>')
    atlas.write(page, root=folder)
    return page


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_project(tmp_path_factory.mktemp("atlas") / "project")
    write_concepts(folder)
    return folder


@pytest.fixture(scope="module")
def built(project: Path) -> Path:
    return build(project)


@pytest.fixture(scope="module")
def opened() -> Iterator[Any]:
    """A function that opens a page and refuses errors and requests to elsewhere."""
    with running_chromium() as browser:

        def go(address: str, viewport: dict[str, int] = DESKTOP) -> Page:
            context = browser.new_context(viewport=viewport, offline=True)  # pyright: ignore[reportArgumentType]
            page = context.new_page()
            page.set_default_timeout(60_000)
            page.on("pageerror", lambda error: pytest.fail(f"script: {error}"))
            page.on("dialog", lambda dialog: pytest.fail(f"dialog: {dialog.message}"))
            page.goto(address)
            return page

        yield go


def test_text_that_is_spelt_out_is_told_from_text_that_looks_like_it() -> None:
    assert pieces(b"\\x1b\x1b") == ["\\x1b", "\\x1b"]
    assert pieces("\u202e<b>\u0301".encode()) == ["", "\\u202e", "<b>\u0301"]
    assert pieces("\u0301a".encode()) == ["", "\\u0301", "a"]


def test_every_part_is_small_and_every_unit_in_its_place(built: Path) -> None:
    parts = {path.stem: path.read_text("utf-8") for path in built.with_name("atlas").iterdir()}
    assert max(len(text) for text in parts.values()) < 200_000
    loaded = {
        name: json.loads(text[len(f'atlas.part("{name}",') : -3]) for name, text in parts.items()
    }
    contents = loaded["contents"]
    size = contents["sizes"]["shard"]
    assert [(kind["name"], kind["n"]) for kind in contents["kinds"]] == [
        ("latent", 36),
        ("neuron", 8),
    ]
    for unit in range(atlas_world.N_LATENTS):
        assert loaded[f"latent-{unit // size}"][unit % size]["unit"] == unit
    assert "<" not in "".join(parts.values())


def test_what_other_stages_have_not_left_is_said(tmp_path: Path) -> None:
    parts = dict(atlas.parts(Results.read(root=write_project(tmp_path / "bare"))))
    said = " ".join(parts["contents"]["kinds"][0]["missing"])
    assert "No concepts" in said
    assert "dvc repro universality@two-models" in said


def test_a_dictionary_without_live_units_says_so(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "dead")
    metrics = {"n_tokens": 1000, "n_units": 36, "n_live": 0}
    Store(scale="laptop", root=folder).save_json(metrics, "atlas", "batch-topk", "metrics.json")
    parts = dict(atlas.parts(Results.read(root=folder)))
    assert "No unit of this dictionary was active" in parts["contents"]["kinds"][0]["missing"][-1]


def test_without_an_atlas_there_is_a_page_that_says_what_to_run(
    tmp_path: Path, opened: Any
) -> None:
    page = opened(build(write_project(tmp_path / "none", with_atlas=False)).as_uri())
    page.wait_for_selector(".atlas-said:not(:empty)")
    assert "dvc repro atlas" in page.inner_text(".atlas-said")


def test_further_autoencoders_have_addresses_of_their_own(project: Path, tmp_path: Path) -> None:
    tree = yaml.safe_load((project / "params.yaml").read_text("utf-8"))
    tree["atlas"]["l1"] = tree["atlas"]["batch-topk"] | {"reads": "sae/l1"}
    text = yaml.safe_dump(tree, sort_keys=False)
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    names = [kind.name for kind in atlas.kinds(Results.read(root=tmp_path).params)]
    assert names == ["latent", "neuron", "l1-latent"]


def test_an_address_opens_its_unit_and_the_arrows_lead_on(built: Path, opened: Any) -> None:
    page = opened(f"{built.as_uri()}#neuron-3")
    page.wait_for_selector("text=Neuron 3")
    page.evaluate("location.hash = 'latent-12'")
    page.wait_for_selector("h2:has-text('Latent 12')")
    assert page.evaluate("document.activeElement.textContent") == "Latent 12"
    page.select_option("select >> nth=2", "unit")
    page.focus("h2.atlas-head")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("h2:has-text('Latent 13')")
    assert page.evaluate("location.hash") == "#latent-13"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "atlas-query"
    assert "#latent-13}" in page.text_content(".atlas-citation pre").replace("},", "}")


def search(page: Page, asked: str, *, where: str) -> None:
    """Look for `asked` in the part of the atlas that the menu calls `where`; open the first."""
    page.wait_for_selector("h2.atlas-head")
    page.select_option("select >> nth=0", where)
    page.fill("#atlas-query", asked)
    page.press("#atlas-query", "Enter")


@pytest.mark.parametrize(
    ("asked", "where", "expected"),
    [("shout", "concepts", 7), ("21", "unit", 21), ("latent-30", "all", 30)],
)
def test_a_search_finds_the_right_latent(
    built: Path, opened: Any, asked: str, where: str, expected: int
) -> None:
    page = opened(built.as_uri())
    search(page, asked, where=where)
    page.wait_for_selector(f"h2:has-text('Latent {expected}')")
    assert page.inner_text(".atlas-list li:first-child b") == str(expected)


@pytest.mark.parametrize(("where", "shift"), [("tokens", 0), ("logits", 100)])
def test_a_token_finds_the_latents_on_it_and_those_that_promote_it(
    project: Path, built: Path, opened: Any, where: str, shift: int
) -> None:
    vocabulary = dict(atlas.parts(Results.read(root=project)))["vocabulary-0"]
    latent = 24
    token = "".join(vocabulary[atlas_world.FIRST_TOKEN + latent + shift])
    page = opened(built.as_uri())
    search(page, token, where=where)
    page.wait_for_selector(f"h2:has-text('Latent {latent}')")


def test_the_keyboard_alone_searches_and_opens_what_it_found(built: Path, opened: Any) -> None:
    page = opened(built.as_uri())
    page.wait_for_selector("h2.atlas-head")
    page.keyboard.press("/")
    page.keyboard.type("latent-1")
    page.wait_for_selector(".atlas-list li:first-child b:text-is('1')")
    for key in ("ArrowDown", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.hash") == "#latent-1"
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.textContent === 'Latent 1'")
    page.keyboard.press("/")
    page.keyboard.press("Enter")  # it is there already, and gets the focus all the same
    page.wait_for_function("document.activeElement.textContent === 'Latent 1'")


def test_more_of_the_list_takes_the_focus_to_what_is_new(built: Path, opened: Any) -> None:
    page = opened(built.as_uri())
    page.wait_for_selector("h2.atlas-head")
    page.eval_on_selector_all(".atlas-list li", "all => all.slice(30).forEach((e) => e.remove())")
    page.eval_on_selector("nav > button", "more => { more.hidden = false; more.focus(); }")
    page.keyboard.press("Enter")
    links = "[...document.querySelectorAll('.atlas-list a')]"
    assert page.evaluate(f"{links}.indexOf(document.activeElement)") == 30


def test_text_is_inert_and_a_dead_latent_says_so(built: Path, opened: Any) -> None:
    page = opened(f"{built.as_uri()}#latent-7", PHONE)
    page.wait_for_selector("text=<b>shout</b>")
    for unit in range(20, 30):
        page.evaluate(f"location.hash = 'latent-{unit}'")
        page.wait_for_selector(f"h2:has-text('Latent {unit}')")
        assert page.locator("#atlas :is(script, img)").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.evaluate(f"location.hash = 'latent-{atlas_world.DEAD}'")
    page.wait_for_selector("text=No examples: it was not active")


def test_filters_leave_what_fits(built: Path, opened: Any) -> None:
    page = opened(built.as_uri())
    page.wait_for_selector("h2.atlas-head")
    assert page.inner_text(".atlas-said") == "35 of 36 latents"
    page.fill("input[type=number] >> nth=0", "0.7")
    page.wait_for_function("document.querySelector('.atlas-said').textContent.startsWith('1 of')")
    page.fill("input[type=number] >> nth=0", "0")
    page.select_option("select >> nth=3", "dead")
    page.wait_for_selector("text=1 of 36 latents")
    assert page.inner_text(".atlas-list b") == str(atlas_world.DEAD)
