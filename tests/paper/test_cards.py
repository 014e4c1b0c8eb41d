"""What the pages show beside figures: claims, latents, stages, parameters; hostile text too."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pypandoc
import pytest
from IPython.display import Markdown
from tests.paper import synthetic
from tests.paper.synthetic import HOSTILE

from superposition.core.store import Store
from superposition.results import Results
from superposition.site import cards, corpus, graph, latents, parameters, render, stages
from superposition.site.counts import counts

CLAIM: dict[str, Any] = {
    "id": "a12-intro-90",
    "paper": "Toy Models",
    "source": "Introduction",
    "statement": "All five form a pentagon.",
    "quoted": False,
    "published": "a pentagon",
    "expectation": "angles within 72 ± 4 degrees",
    "quantity": "largest deviation",
    "measured": 1.25,
    "interval": [0.5, 2.0],
    "verdict": "partly",
    "detail": "5 of 24 starts.",
    "figure": "toy-models.html#fig-geometry",
    "code": "superposition.claims.toy_models:intro_ninety",
}


def claims(*changes: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame([CLAIM | change for change in changes])


def shown(markdown: Markdown) -> str:
    """The HTML that both renderers make of it."""
    data = markdown.data
    assert isinstance(data, str)
    return pypandoc.convert_text(data, "html5", format="markdown", extra_args=["--wrap=none"])


def acts(html: str) -> bool:
    """Whether any of the hostile text became more than text."""
    signs = ("<script>", "<strong>b", "<code>c", 'class="math', "\u202e", "\x1b")
    return any(sign in html for sign in signs)


def test_a_box_says_what_was_claimed_expected_and_found() -> None:
    html = shown(cards.verdict(claims({}), "a12-intro-90"))
    for words in ("All five form a pentagon", "angles within 72 ± 4 degrees", "5 of 24 starts"):
        assert words in html
    assert "<strong>1.25 (95% interval 0.500 to 2)</strong>" in html
    assert 'class="claim partly"' in html
    assert 'href="scorecard.qmd#a12-intro-90"' in html


def test_a_claim_that_was_not_run_shows_why_and_no_number() -> None:
    change = {"measured": None, "interval": None, "verdict": "not run at this scale"}
    html = shown(cards.verdict(claims(change | {"detail": "Needs the scale laptop."}), CLAIM["id"]))
    assert "Needs the scale laptop." in html
    assert "largest deviation" not in html.lower()
    assert 'class="claim not-run"' in html


def test_counts_that_a_frame_made_floats_are_shown_without_decimals() -> None:
    table = claims({"measured": 3, "interval": None}, {"id": "b", "measured": None})
    assert "<strong>3</strong>" in shown(cards.verdict(table, CLAIM["id"]))


def test_a_misspelt_claim_is_told_which_exist() -> None:
    with pytest.raises(ValueError, match=r"no claim 'a12' .* have: a12-intro-90"):
        cards.verdict(claims({}), "a12")


def test_an_unknown_verdict_is_refused() -> None:
    with pytest.raises(ValueError, match="verdict='maybe' is unknown"):
        cards.badge("maybe")


@pytest.mark.parametrize("field", ["statement", "detail", "published", "expectation", "quantity"])
def test_hostile_words_in_a_claim_stay_words(field: str) -> None:
    table = claims({field: HOSTILE, "measured": HOSTILE if field == "quantity" else 1})
    boxes = [cards.verdict(table, CLAIM["id"]), cards.scorecard(table, paper="Toy Models")]
    pages = [shown(markdown) for markdown in [*boxes, cards.summary(table)]]
    assert not any(map(acts, pages))
    assert "&lt;script&gt;alert" in pages[0] or field == "quantity"


def test_the_scorecard_has_an_anchor_for_every_claim_and_says_where_the_code_is() -> None:
    html = shown(cards.scorecard(claims({}, {"id": "b"}), paper="Toy Models"))
    assert 'id="a12-intro-90"' in html
    assert 'id="b"' in html
    assert "src/superposition/claims/toy_models.py" in html
    assert 'href="toy-models.qmd#fig-geometry"' in html


def test_the_scorecard_of_an_unknown_paper_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no claim of 'X'; have: Toy Models"):
        cards.scorecard(claims({}), paper="X")


def test_the_summary_holds_only_the_verdicts_asked_for() -> None:
    table = claims({}, {"id": "b", "verdict": "replicated"})
    assert "#b)" not in str(cards.summary(table, verdicts=["partly"]).data)
    assert "No claim is not replicated" in str(
        cards.summary(table, verdicts=["not replicated"]).data
    )


def test_the_tally_adds_up() -> None:
    table = claims({}, {"id": "b"}, {"id": "c", "paper": "B", "verdict": "replicated"})
    rows = [line.split("|")[1:-1] for line in str(cards.tally(table).data).splitlines()]
    assert [cell.strip() for cell in rows[-1]] == ["all", "1", "2", "0", "0"]


def test_only_the_smallest_scale_is_warned_about() -> None:
    assert "trial run" in str(cards.about_scale("smoke").data)
    assert cards.about_scale("laptop").data == ""


def test_a_text_of_ones_own_is_named_and_noted() -> None:
    own = {"source": "folder", "folder": f"a/{HOSTILE}"}
    assert not acts(shown(corpus.note(own)))
    assert "the files of the folder a/" in shown(corpus.note(own))
    assert "the data set x/y" in shown(corpus.source({"source": "huggingface", "dataset": "x/y"}))
    assert corpus.note({"source": "packages"}).data == ""


def test_a_pipe_in_a_table_ends_no_cell() -> None:
    html = shown(Markdown(cards.pipe_table(["a"], [[cards.plain("x|y \\| z")]], widths=[1])))
    assert html.count("<td") == 1
    assert "x|y \\| z" in html


def test_literal_frames_keep_numbers_and_escape_words() -> None:
    frame = cards.literal(pd.DataFrame({"a_b": ["*x*"], "n": [3]}))
    assert list(frame.columns) == [r"a\_b", "n"]
    assert frame.to_dict("records") == [{r"a\_b": r"\*x\*", "n": 3}]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("results")
    synthetic.write_params(folder)
    synthetic.write_results(Store(scale=synthetic.SCALE, root=folder))
    return Results.read(root=folder)


def test_a_latent_is_shown_with_examples_logits_and_neurons(results: Results) -> None:
    features = results.features("l1")
    html = str(
        latents.latent(features, results.token_texts, reason="matches base64", intervals=3).data
    )
    assert html.count('class="interval"') == 3
    for words in ("Latent 0", "Top examples", "More likely next", "neuron 0"):
        assert words in html


def test_hostile_tokens_and_reasons_stay_text(results: Results) -> None:
    features = results.features("l1")
    html = latents.latent(features, [HOSTILE] * 300, reason="random", intervals=9)
    assert not acts(shown(html))
    assert "```" not in str(html.data)[3:-4].replace("```{=html}", "")


def test_a_reason_for_which_nothing_was_chosen_says_so(results: Results) -> None:
    shown_instead = latents.latent(results.features("l1"), [], reason="matches hexadecimal")
    assert shown_instead.data == latents.NONE_CHOSEN


def test_a_latent_without_examples_is_still_shown(results: Results) -> None:
    features = results.features("l1")
    empty = features.examples[features.examples["latent"] < 0]
    vars(features)["examples"] = empty
    html = str(latents.latent(features, results.token_texts, reason="matches dna").data)
    del vars(features)["examples"]
    assert "No examples were kept" in html


PARAMS = {"scale": "smoke", "toy": {"a": {}, "b": {}}}
DVC = {
    "text": {"cmd": "", "outs": ["data/${scale}/text/documents.parquet"]},
    "toy": {
        "foreach": "${toy}",
        "do": {"cmd": "", "outs": ["data/${scale}/toy/${key}/weights.safetensors"]},
    },
    "tokens": {
        "cmd": "",
        "deps": ["src/superposition/store.py", "data/${scale}/text"],
        "outs": [{"data/${scale}/tokens/tokenizer.json": {"cache": False}}],
    },
    "claims": {
        "cmd": "",
        "deps": ["data/${scale}/toy", "data/${scale}/tokens"],
        "metrics": [{"data/${scale}/claims.json": {"cache": False}}],
    },
}


def test_the_stages_know_what_they_read() -> None:
    nodes = {node.name: node for node in stages.stages(DVC, PARAMS)}
    assert nodes["tokens"].after == ("text",)
    assert nodes["claims"].after == ("toy", "tokens")
    assert nodes["toy"].section == "toy"


def test_the_picture_has_a_box_a_stage_and_an_arrow_a_dependency() -> None:
    svg = str(stages.picture(stages.stages(DVC, PARAMS)).data)
    assert svg.count("<rect") == 4 + 1  # the rows of toy are one box behind another
    assert svg.count("marker-end") == 2
    assert "claims reads toy, tokens" in svg


def test_what_reads_all_results_lies_below_a_line() -> None:
    readme = {"readme": {"cmd": "", "deps": ["data/${scale}/claims.json"], "outs": ["README.md"]}}
    svg = str(stages.picture(stages.stages(DVC | readme, PARAMS)).data)
    height = {name: float(y) for y, name in re.findall(r'<text[^>]* y="(\d+)"[^>]*>([^<]+)', svg)}
    assert max(height["toy"], height["tokens"]) < height[stages.ALL_RESULTS]
    assert height[stages.ALL_RESULTS] < height["claims"] < height["readme"]


def test_an_arrow_that_follows_from_others_is_left_out() -> None:
    paper = {"paper": {"cmd": "", "deps": ["data/${scale}"], "outs": ["_site"]}}
    nodes = {node.name: node for node in stages.stages(DVC | paper, PARAMS)}
    assert nodes["paper"].after == ("text", "toy", "tokens", "claims")
    drawn = {node.name: node for node in stages.essential(list(nodes.values()))}
    assert drawn["paper"].after == ("claims",)
    assert drawn["claims"].after == ("toy", "tokens")


def test_a_stage_that_all_read_can_be_left_out() -> None:
    nodes = {node.name: node for node in stages.without("text", stages.stages(DVC, PARAMS))}
    assert [*nodes] == ["toy", "tokens", "claims"]
    assert nodes["tokens"].after == ()
    assert nodes["claims"].after == ("toy", "tokens")


def test_stages_in_a_circle_are_refused() -> None:
    nodes = [stages.StageNode(name="a", section="", after=("a",))]
    with pytest.raises(ValueError, match="a form a cycle"):
        stages.picture(nodes)


def test_costs_come_in_the_order_of_the_pipeline_and_are_summed() -> None:
    frame = pd.DataFrame(
        [
            {"stage": "tokens", "row": "", "seconds": 120.0, "peak_bytes": 2 * 10**9},
            {"stage": "text", "row": "", "seconds": 4.2, "peak_bytes": 10**9},
            {"stage": "gone", "row": "", "seconds": 9.0, "peak_bytes": 10**9},
        ]
    )
    lines = str(stages.costs(frame, stages.stages(DVC, PARAMS)).data).splitlines()[2:]
    assert [line.split("|")[1].strip() for line in lines] == ["text", "tokens", "all"]
    assert "2\u00a0min" in lines[-1]
    assert "No stage" in str(stages.costs(frame.head(0), stages.stages(DVC, PARAMS)).data)


@dataclass(frozen=True, kw_only=True)
class Inner:
    """Nested."""

    n_steps: int
    """Steps, `a|b`. Source: here."""


@dataclass(frozen=True, kw_only=True)
class Outer:
    """A configuration."""

    lr: float = 1e-3
    """Learning rate."""
    inner: Inner | None = None
    """What is nested."""


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """A configuration whose field holds what another one defines."""

    shared: dict[str, Any]
    """The other fields."""


def test_parameters_come_with_their_values_and_meanings() -> None:
    text = str(parameters.parameters(Outer, {"inner": {"n_steps": 12000}}).data)
    assert "| `lr` | 0\\.001 | Learning rate\\. |" in text
    assert "| `inner.n_steps` | 12,000 | Steps, `a" in text


def test_a_mapping_is_a_row_for_each_of_its_entries() -> None:
    shared = {"training": {"lr": 0.1, "n_steps": 5}, "k": 3}
    text = str(parameters.parameters(Mapped, {"shared": shared}).data)
    assert "| `shared.training.lr` | 0\\.1 | The other fields\\. |" in text
    assert "| `shared.training.n_steps` | 5 | – |" in text
    assert "| `shared.k` | 3 | – |" in text


def test_a_nested_configuration_that_is_left_out_is_one_row() -> None:
    text = str(parameters.parameters(Outer, {"inner": None}).data)
    assert "| `inner` | none | What is nested\\. |" in text


def test_counts_leave_zeros_blank() -> None:
    frame = pd.DataFrame({"p": [1.0, 1.0, 0.1], "kind": ["a", "b", "a"]})
    lines = str(counts(frame, by="p", of="kind", heading="density").data).splitlines()
    assert lines[0] == "| density | a | b |"
    assert lines[2:] == ["| 1 | 1 | 1 |", "| 0.1 | 1 |  |"]


def test_the_pipeline_of_this_repository_can_be_drawn() -> None:
    nodes = stages.read_stages(Path(__file__).parents[2])
    n_boxes = str(stages.picture(nodes).data).count("<rect")
    assert n_boxes == len(nodes) + sum(bool(node.section) for node in nodes)
    after = {node.name: node.after for node in nodes}
    assert {"sae", "sweep"} <= {*after["universality"]}  # which its rows name


@pytest.mark.slow
def test_every_page_renders_with_hostile_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPERPOSITION_RENDERER", "preview")
    monkeypatch.setenv("PYTHONPATH", str(synthetic.ROOT / "src"))
    project = synthetic.write_project(tmp_path / "project")
    done = render.render(project, project / "_site")
    pages = [(project / "_site" / address).read_text("utf-8") for address in done.pages]
    assert len(pages) == len(list((synthetic.ROOT / "paper").glob("*.qmd")))
    signs = ("?@", "<script>alert", "{python}", ":::", "\\xa0")
    found = [
        (done.pages[i], sign) for i, page in enumerate(pages) for sign in signs if sign in page
    ]
    assert found == []


def test_rows_are_short_and_the_longest_way_begins_first() -> None:
    alone = [graph.Node(f"alone{i}", ()) for i in range(graph.MOST + 1)]
    depth = graph.layers([*alone, graph.Node("a", ()), graph.Node("b", ("a",))])
    assert [depth["a"], depth["b"]] == [0, 1]
    assert sorted(depth.values()) == [0] * graph.MOST + [1] * 3


def test_an_arrow_over_several_layers_passes_beside_the_boxes() -> None:
    nodes = [
        graph.Node("a", ()),
        graph.Node("b", ("a",)),
        graph.Node("c", ("b", "a")),
    ]
    assert graph.layers(nodes) == {"a": 0, "b": 1, "c": 2}
    paths = re.findall(r'<path d="(M[^"]*)" fill="none"', graph.svg(nodes, label="x"))
    assert sorted(path.count("C") for path in paths) == [1, 1, 3]
