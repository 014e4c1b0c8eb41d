"""What is said where memory or units for bfloat16 are missing."""

import logging

import pytest
import torch
from tests.saes import rows
from tests.saes.test_training import source

from superposition.saes import limits, training

CPU = torch.device("cpu")


def test_too_little_memory_for_a_batch_names_the_batch_size() -> None:
    config = rows.row("l1", training=rows.training(batch_size=1_000_000))
    with (
        pytest.raises(ValueError, match=r"out of memory: .*; lower batch_size=1000000"),
        limits.explained([config], 6),
    ):
        torch.empty(2**55)


def test_too_little_memory_for_the_weights_names_the_width() -> None:
    config = rows.row("l1", d_sae=10_000)
    with (
        pytest.raises(ValueError, match="lower d_sae=10000"),
        limits.explained([config], 6),
    ):
        raise torch.OutOfMemoryError
    assert "autoencoders trained together (2)" in limits.advice([config, config], 6)


def test_the_sizes_are_those_of_weights_with_moments_and_of_pre_activations() -> None:
    advice = limits.advice([rows.row("l1", d_sae=1000)], 500)
    assert advice.startswith("out of memory: weights and moments take 0.016 GB, pre-activations")


def test_another_error_stays_what_it_is() -> None:
    with pytest.raises(RuntimeError, match="shapes"), limits.explained([rows.row("l1")], 6):
        raise RuntimeError("shapes")


def test_the_fallback_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(limits, "matmul_dtype", lambda device: torch.float32)
    limits.say_fallback.cache_clear()
    config = rows.row("topk", training=rows.training(n_steps=1, warm_up=0.0, decay=0.0))
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            training.fit(config, source(dtype=torch.bfloat16), device=CPU)
    assert [each.message for each in caplog.records] == [
        "no units for bfloat16 on cpu: products are made in float32"
    ]


def test_a_step_without_memory_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(training, "advance_", fail)
    with pytest.raises(ValueError, match=r"lower (batch_size=16|d_sae=12)"):
        training.fit(rows.row("l1"), source(), device=CPU)
