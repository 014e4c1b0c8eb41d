"""A page whose data are missing comes out, and says what to run; the inspection counts it."""

import pytest

from superposition.core.store import ArtefactError
from superposition.site import kernel, missing, source
from superposition.site.figures import NothingToShow

CELLS = """```{python}
from superposition.core.store import Store
from superposition.site import missing
missing.guard()
```

```{python}
x = 3
x + 1
```

```{python}
Store(scale="laptop").load_table("toy", "a", "features.parquet")
```

```{python}
x = Store(scale="laptop").load_json("sae", "l1", "metrics.json")["l0"]
```

```{python}
%reset -f
print("emptied")
```
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return kernel.execute(source.parse(CELLS), root=tmp_path_factory.mktemp("empty"))


def test_missing_data_leave_a_note_with_the_command_in_their_place(page: str) -> None:
    first, second = page.split("::: {.missing}")[1:]
    assert "features" in first
    assert "dvc repro toy" in first
    assert "dvc repro sae" in second


def test_a_guarded_cell_still_shows_its_last_expression(page: str) -> None:
    assert "\n4\n" in page.split("::: {.missing}")[0]


def test_a_cell_may_empty_the_notebook_as_quarto_does_after_each_page(page: str) -> None:
    assert "emptied" in page.rpartition("::: {.missing}")[2]


def test_nothing_to_show_is_no_fault_of_the_site() -> None:
    text = str(missing.note(NothingToShow("no latent")).data)
    assert "Nothing to show: no latent." in text
    assert ".missing" not in text


def test_what_a_note_says_stays_text() -> None:
    text = str(missing.note(ArtefactError("no <script>x</script>: `y`")).data)
    assert "<script>" not in text
    assert "`y`" in text


def test_a_command_is_code_and_nothing_else_is() -> None:
    text = str(missing.note(ArtefactError("no *a*: run `dvc repro toy_sae`")).data)
    assert r"no \*a\*\: run `dvc repro toy_sae`." in text
    assert r"an odd \`." in str(missing.note(ArtefactError("an odd `")).data)
