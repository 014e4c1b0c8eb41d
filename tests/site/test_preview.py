"""The built-in preview: what becomes of each construct that the paper uses."""

import re
import shutil
from pathlib import Path

import pytest
from tests.site.conftest import make_project

from superposition.site import kernel, navigation, preview, render, source


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("SUPERPOSITION_RENDERER", "preview")
    return make_project(tmp_path / "project", ["second.qmd"])


def render_text(project: Path, text: str) -> str:
    (project / "paper" / "second.qmd").write_text(text, encoding="utf-8")
    render.render(project, project / "_site")
    return (project / "_site" / "paper" / "second.html").read_text(encoding="utf-8")


def test_inline_values_stand_in_text_captions_and_callout_titles(sample_page):
    assert "This page has 5 features, of which 63.2% [of all]" in " ".join(sample_page.split())
    assert "how many of the 5 survive" in sample_page
    assert "What to expect from 5 features" in sample_page


def test_a_title_may_hold_an_inline_value(project):
    page = render_text(project, "---\ntitle: With `{python} 2 + 3` features\n---\nText.")
    assert "<title>With 5 features – Superposition, replicated</title>" in page


@pytest.mark.parametrize(
    ("anchor", "words"),
    [
        ("fig-points", "Figure 1"),
        ("fig-lines", "Figure 2"),
        ("tbl-results", "Table 1"),
        ("tbl-plain", "Table 2"),
        ("eq-model", "Equation 1"),
        ("sec-figures", "Section 2"),
    ],
)
def test_references_lead_to_the_numbered_thing(sample_page, anchor, words):
    assert len(re.findall(f'id="{anchor}"', sample_page)) == 1
    if anchor != "fig-lines":
        link = rf'<a\s+href="#{anchor}"\s+class="quarto-xref">{words.replace(" ", ".")}</a>'
        assert re.search(link, sample_page)


def test_captions_of_tables_stand_above_and_of_figures_below(sample_page):
    table, figure = (re.search(f'id="{x}".*?</figure>', sample_page, re.S) for x in TWO_FLOATS)
    assert table
    assert figure
    assert table.group().index("<figcaption") < table.group().index("<table")
    assert figure.group().index("<figcaption") > figure.group().index("vega-figure")


TWO_FLOATS = ("tbl-results", "fig-points")


def test_citations_lead_to_the_list_of_sources(sample_page):
    assert 'href="#ref-elhage2022"' in sample_page
    assert 'id="ref-elhage2022"' in sample_page


def test_a_page_says_how_to_cite_it(sample_page):
    assert '<meta name="citation_author" content="The authors of this repository">' in sample_page
    assert '<meta name="citation_journal_title" content="Superposition, replicated">' in sample_page


def test_callouts_have_a_title_of_their_own_or_their_kind(sample_page, sample_site):
    assert re.search(r"callout-warning.*?>\s*Warning\s*</div>", sample_page, re.S)
    assert "A tip" in (sample_site / "paper" / "second.html").read_text()


def test_links_between_sources_become_links_between_pages(sample_page):
    assert 'href="second.html#sec-there"' in sample_page


def test_chapters_come_from_the_project_file_in_its_order(sample_site):
    page = (sample_site / "paper" / "second.html").read_text()
    assert page.index("Five features in two neurons") < page.index('aria-current="page"')
    assert '<a class="pagination-link" rel="prev" href="../paper/index.html">' in page


def test_a_part_of_the_report_has_its_title_above_its_chapters(sample_page):
    titles = re.findall(r'<li class="part">([^<]*)</li><li><a href="([^"]*)"', sample_page)
    assert titles == [("Another part", "../paper/second.html")]


def test_the_sites_address_leads_to_the_first_chapter(sample_site):
    assert "URL=paper/index.html" in (sample_site / "index.html").read_text()


def test_the_footer_says_what_made_the_page(sample_page):
    assert re.search(r"Rendered by the built-in preview \(pandoc [\d.]+, Altair", sample_page)


@pytest.mark.slow
def test_the_same_sources_give_the_same_bytes(project):
    text = "---\ntitle: A\n---\n```{python}\nimport charts\n"
    text += "from superposition.site import show\nshow(charts.points())\n```\n"
    assert render_text(project, text) == render_text(project, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```{python}\n#| label: fig-a\n1/0\n```", "second.qmd: cell 'fig-a' (line 1): ZeroDiv"),
        ("word\n\n`{python} lost`", "second.qmd: `lost` in the text after line 1: NameError"),
        ("`{python} ''`", "second.qmd: `''` in the text after line 1 is an empty string"),
        ("```{python}\n1", "second.qmd: line 1: a Python cell without its closing ```"),
        ("```{python}\n#| fig-widht: 3\n```", "cell option 'fig-widht' is not used here; have:"),
        ("```{python}\nimport pandas\npandas.DataFrame()\n```", "hand it to show or table"),
    ],
)
def test_what_goes_wrong_is_named_with_page_and_cell(project, text, message):
    with pytest.raises(preview.PageError) as error:
        render_text(project, text)
    assert message in str(error.value)


def test_a_failed_render_leaves_the_site_as_it_was(project):
    before = render_text(project, "---\ntitle: A\n---\nText.")
    with pytest.raises(preview.PageError):
        render_text(project, "```{python}\n1/0\n```")
    assert (project / "_site" / "paper" / "second.html").read_text() == before
    assert [path.name for path in project.iterdir() if "partial" in path.name] == []


def test_cells_run_in_the_projects_folder_with_this_interpreter(project):
    text = "```{python}\nimport os, sys\nprint(os.getcwd(), sys.executable)\n```\n"
    page = render_text(project, text)
    assert f"{project} {kernel.sys.executable}" in page


def test_a_cell_shows_what_it_prints_and_displays_in_the_order_of_time(project):
    text = "```{python}\nfrom IPython.display import Markdown, display\n"
    text += "print('one', 'two')\ndisplay(Markdown('three'))\nprint('four')\n'five'\n```\n"
    page = re.sub(r"<[^>]*>|&#39;|'", " ", render_text(project, text))
    assert re.search(r"one two\s+three\s+four\s+five\s", page)


def test_a_page_knows_nothing_of_the_names_of_another():
    first, second = (source.parse(f"```{{python}}\n{line}\n```") for line in ("x = 1", "x"))
    kernel.execute(first, root=Path())
    with pytest.raises(kernel.CellError, match="line 1: NameError"):
        kernel.execute(second, root=Path())


def test_a_page_that_brings_its_python_down_is_named(project):
    with pytest.raises(preview.PageError, match=r"second\.qmd: its Python ended with code 3"):
        render_text(project, "```{python}\nimport os\nos._exit(3)\n```")


def test_an_unresolved_reference_shows_as_with_quarto(project, capfd):
    assert "?@fig-lost" in render_text(project, "See @fig-lost.")
    assert "@fig-lost" in capfd.readouterr().err


def test_a_chapter_without_source_is_named(project):
    (project / "paper" / "second.qmd").unlink()
    with pytest.raises(navigation.ProjectError, match=r"names paper/second\.qmd, which does not"):
        render.render(project, project / "_site")


def test_code_in_text_is_not_taken_for_inline_values():
    assert source.expressions("`a` ``{python} b`` `{python} c + 1`") == ["c + 1"]


def test_quarto_is_preferred_where_it_is_found(monkeypatch, tmp_path):
    monkeypatch.delenv("SUPERPOSITION_RENDERER", raising=False)
    program = tmp_path / "quarto"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(render.sys, "executable", str(tmp_path / "python"))
    assert render.find_quarto() == program
    monkeypatch.setenv("SUPERPOSITION_RENDERER", "preview")
    assert render.find_quarto() is None


def test_a_failing_quarto_fails_the_render_and_leaves_nothing(monkeypatch, project):
    program = project / "bin" / "quarto"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.delenv("SUPERPOSITION_RENDERER")
    monkeypatch.setattr(render.sys, "executable", str(program.with_name("python")))
    with pytest.raises(render.RenderError, match="code 3"):
        render.render(project, project / "_site")
    assert not (project / "_site").exists()


def test_resources_are_there_whatever_else_lies_in_the_folder(project):
    shutil.copy(project / "paper" / "second.qmd", project / "paper" / "styles" / "notes.txt")
    render_text(project, "---\ntitle: A\n---\nText.")
    shipped = sorted(path.name for path in (project / "_site" / "paper" / "styles").iterdir())
    scripts = [
        "atlas",
        "figure-cards",
        "figures",
        "glossary",
        "preview",
        "reading",
        "values",
        "vega",
    ]
    styles = ["atlas", "preview", "site"]
    assert shipped == sorted([f"{x}.css" for x in styles] + [f"{x}.js" for x in scripts])
