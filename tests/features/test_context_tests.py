"""The five tests: a planted latent passes them, and each can fail alone."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from superposition.features import context_tests, context_units
from superposition.features.context_tests import TESTS, Outcomes, Units
from superposition.features.recording import LabelledText, columns

N_WINDOWS, SEQ, D_MLP, D_VOCAB, D_SAE = 200, 10, 8, 120, 6
N = N_WINDOWS * SEQ
INSIDE = (np.arange(N) // SEQ) % 5 == 0
"""Every fifth window lies in the concept."""


def text(labels: np.ndarray | None = None) -> LabelledText:
    rng = np.random.default_rng(0)
    following = np.where(INSIDE, rng.integers(0, 20, N), rng.integers(20, D_VOCAB, N))
    given = INSIDE[:, None] if labels is None else labels
    return LabelledText(
        token=rng.integers(0, D_VOCAB, N),
        next_token=following,
        window=np.repeat(np.arange(N_WINDOWS), SEQ),
        labels=sparse.csr_matrix(given.astype(np.float32)),
        reported=np.arange(N) >= N // 2,
    )


def acts_of(latent: np.ndarray) -> sparse.csr_matrix:
    """Latent 2 as given, the others rare and random."""
    rng = np.random.default_rng(1)
    dense = rng.random((N, D_SAE)) * (rng.random((N, D_SAE)) < 0.03)
    dense[:, 2] = latent
    return sparse.csr_matrix(dense.astype(np.float32))


def perfect() -> np.ndarray:
    return INSIDE * np.random.default_rng(2).uniform(1.0, 2.0, N)


def units(latent: np.ndarray, *, raises: slice = slice(0, 20), spread: bool = True) -> Units:
    """Latent 2's direction is spread over four neurons, which raise the tokens in `raises`."""
    W_dec = torch.randn(D_SAE, D_MLP, generator=torch.Generator().manual_seed(0))
    W_dec[2] = torch.tensor([0.5] * 4 + [0.0] * 4 if spread else [1.0] + [0.0] * 7)
    readout = 0.01 * torch.randn(D_MLP, D_VOCAB, generator=torch.Generator().manual_seed(1))
    readout[:4, raises] += 1.0
    return Units(acts_of(latent), W_dec, readout)


def neurons(best: np.ndarray | None = None) -> torch.Tensor:
    acts = torch.rand(N, D_MLP, generator=torch.Generator().manual_seed(2))
    if best is not None:
        acts[:, 5] = torch.from_numpy(best)
    return acts.half()


NAMES = pd.DataFrame({"concept": [7], "name": ["dna"], "group": ["planted"], "planted": ["dna"]})


def run(
    ours: Units | None = None, theirs: Units | None = None, best: np.ndarray | None = None
) -> Outcomes:
    return context_tests.run_tests(
        ours or units(perfect()),
        neurons(best),
        theirs or units(perfect()),
        text(),
        names=NAMES,
        seed=0,
    )


def passed(found: Outcomes) -> list[str]:
    row = found.concepts.iloc[0]
    return [name for name in TESTS if row[name]]


def test_a_latent_made_for_the_concept_passes_all_five() -> None:
    found = run().concepts.iloc[0]
    assert passed(run()) == list(TESTS)
    assert found["passed"] == 5
    assert found["latent"] == 2
    assert found["precision"] == 1.0
    assert found["recall"] == 1.0
    assert found["share"] == pytest.approx(0.2)
    assert found["n_next"] == 20
    assert found["logit_area"] == 1.0
    assert found["correlation"] > 0.9
    assert found["correlation_low"] < found["correlation"] < found["correlation_high"]


def test_a_latent_that_fires_elsewhere_too_is_not_specific() -> None:
    rng = np.random.default_rng(3)
    spoiled = perfect() + (~INSIDE & (rng.random(N) < 0.05)) * 3.0
    assert "specific" not in passed(run(units(spoiled)))


def test_a_latent_that_misses_most_of_the_concept_is_not_sensitive() -> None:
    rng = np.random.default_rng(4)
    rare = perfect() * (rng.random(N) < 0.2)
    found = run(units(rare))
    assert "sensitive" not in passed(found)
    assert "specific" in passed(found)


def test_a_latent_that_raises_other_tokens_is_not_effective() -> None:
    assert "effective" not in passed(run(units(perfect(), raises=slice(50, 70))))


def test_a_latent_beside_an_equally_good_neuron_is_a_neuron() -> None:
    assert "no_neuron" not in passed(run(best=perfect()))


def test_a_latent_along_a_single_neuron_is_a_neuron() -> None:
    assert "no_neuron" not in passed(run(units(perfect(), spread=False)))


def test_a_latent_without_a_counterpart_is_not_universal() -> None:
    other = np.random.default_rng(5).random(N) * (np.arange(N) % 7 == 0)
    assert "universal" not in passed(run(theirs=units(other)))


def test_a_concept_with_few_tokens_in_a_half_is_left_out() -> None:
    labels = np.stack([INSIDE, np.arange(N) < 40], axis=1)
    names = pd.concat([NAMES, NAMES.assign(concept=8, name="rare")], ignore_index=True)
    found = context_tests.run_tests(
        units(perfect()), neurons(), units(perfect()), text(labels), names=names, seed=0
    )
    assert found.concepts["concept"].tolist() == [7]


def test_shuffled_labels_leave_nothing_to_correlate_with() -> None:
    assert run().concepts["null_correlation"].tolist()[0] < 0.15


def test_units_are_chosen_on_one_half_alone() -> None:
    switched = perfect() * (np.arange(N) >= N // 2)
    acts = acts_of(switched).tolil()
    acts[: N // 2, 4] = perfect()[: N // 2]
    chosen = context_units.choose(
        sparse.csr_matrix(acts), neurons(), acts_of(perfect()), text(), seed=0
    )
    assert chosen.latent.tolist() == [4]


def test_the_tables_have_a_row_for_every_group_and_next_token() -> None:
    found = run()
    assert set(found.groups["grouping"]) == {"tenth", "interval"}
    assert found.next_tokens["token"].tolist() == list(range(20))
    assert min(found.next_tokens["lift"].tolist()) >= 2


def test_columns_of_sparse_and_dense_activations_are_the_same() -> None:
    dense = torch.rand(5, 4)
    which = np.array([3, 1])
    as_sparse = sparse.csr_matrix(dense.numpy())
    np.testing.assert_array_equal(columns(dense, which), columns(as_sparse, which))
