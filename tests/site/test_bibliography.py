"""The annotated bibliography is complete and says where a source is used."""

import shutil
from pathlib import Path

import pytest

from superposition.site import bibliography

ROOT = Path(__file__).parents[2]


def test_every_source_has_a_note_and_is_cited_on_a_page() -> None:
    noted = [note.key for group in bibliography.notes(ROOT).values() for note in group]
    cited = bibliography.citing(ROOT)
    assert sorted(noted) == sorted(bibliography.sources(ROOT))
    assert [key for key in noted if key not in cited] == []


def test_an_entry_leads_to_the_original_and_to_the_pages_that_cite_it() -> None:
    text = str(bibliography.listing(ROOT).data)
    assert "(https://transformer-circuits.pub/2022/toy_model/index.html) [@elhage2022]" in text
    assert "(https://doi.org/10.1109/TIT.2006.871582) [@donoho2006]" in text
    assert "](memorisation.qmd)" in text.partition("[@henighan2023]")[2].partition("[@")[0]


def test_a_source_without_a_note_is_refused(tmp_path: Path) -> None:
    (tmp_path / "paper").mkdir()
    for name in (bibliography.SOURCE, bibliography.NOTES):
        shutil.copy(ROOT / name, tmp_path / name)
    with (tmp_path / bibliography.SOURCE).open("a", encoding="utf-8") as file:
        file.write("@misc{new2026,\n  title = {New},\n}\n")
    with pytest.raises(bibliography.BibliographyError, match="new2026"):
        bibliography.notes(tmp_path)
