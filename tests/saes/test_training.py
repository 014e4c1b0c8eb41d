"""The training loop: resumption, schedule, history, and what stops it."""

from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from typing import Any

import pytest
import torch
from tests.saes import rows
from torch import Tensor

from superposition.core import store
from superposition.gpu import rates
from superposition.saes import base, history, schedule, training
from superposition.saes.training import Source, fit, fit_many

CPU = torch.device("cpu")
ARCHITECTURES = base.architectures()


def source(
    *lead: int, batch: int = 16, d_in: int = 6, dtype: torch.dtype = torch.float32
) -> Source:
    """Sparse mixtures of 8 directions."""
    world = torch.randn(8, d_in, generator=torch.Generator().manual_seed(99))

    def batches(first: int) -> Iterator[Tensor]:
        number = first
        while True:
            generator = torch.Generator().manual_seed(number)
            z = torch.rand(*lead, batch, 8, generator=generator)
            yield ((z - 0.8).relu() * 5 @ world).to(dtype)
            number += 1

    return batches


class Memory:
    """A checkpoint in memory, which can pretend that the run was killed after the nth one."""

    def __init__(self, killed_after: int | None = None) -> None:
        self.kept: dict[str, Any] | None = None
        self.left = killed_after

    def load(self) -> dict[str, Any] | None:
        return self.kept

    def is_due(self) -> bool:
        return True

    def save(self, state: dict[str, Any]) -> None:
        self.kept = torch.load(_bytes(state), weights_only=True)
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt


def _bytes(state: dict[str, Any]) -> Any:
    stream = BytesIO()
    torch.save(state, stream)
    stream.seek(0)
    return stream


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("lead", [(), (2,)], ids=["language", "toy"])
def test_a_resumed_run_ends_with_the_same_bits(arch: str, lead: tuple[int, ...]) -> None:
    """Killed at step 7, before resampling at step 10, and again at 12."""
    single = rows.training(dead_window=1, batch_size=1)
    config = rows.row(arch, resampling=rows.resampling(), training=single)
    inputs = source(*lead, batch=1)
    whole = fit(config, inputs, device=CPU)
    memory = Memory(killed_after=7)
    with pytest.raises(KeyboardInterrupt):
        fit(config, inputs, device=CPU, checkpoint=memory)
    memory.left = 5
    with pytest.raises(KeyboardInterrupt):
        fit(config, inputs, device=CPU, checkpoint=memory)
    assert memory.kept is not None
    assert memory.kept["runs"][0]["step"] == 12
    resumed = fit(config, inputs, device=CPU, checkpoint=memory)
    for name, value in whole.sae.state_dict().items():
        assert torch.equal(value, resumed.sae.state_dict()[name]), name
    assert whole.history.equals(resumed.history)
    assert whole.history.resampled.sum() > 0


@pytest.mark.parametrize(
    ("lead", "table"), [((), "sae/history.csv"), ((2,), "toy_sae/history.parquet")]
)
def test_the_history_has_the_columns_of_the_schema(lead: tuple[int, ...], table: str) -> None:
    fitted = fit(rows.row("batch_topk"), source(*lead), device=CPU)
    assert list(fitted.history.columns) == list(store.schema()[table])
    assert fitted.history.step.unique().tolist() == [5, 10, 15, 20]
    assert fitted.history.notna().all().all()


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_training_lowers_the_error(arch: str, seed: int, dtype: torch.dtype) -> None:
    config = rows.row(arch, seed=seed, training=rows.training(n_steps=60, lr=3e-2, log_every=1))
    found = fit(config, source(dtype=dtype), device=CPU).history
    assert found.mse[-10:].mean() < 0.5 * found.mse[:5].mean()
    assert found.explained_variance.iloc[-1] > found.explained_variance.iloc[0]


def test_decoder_rows_stay_on_the_unit_sphere() -> None:
    sae = fit(rows.row("l1"), source(), device=CPU).sae
    torch.testing.assert_close(sae.W_dec.norm(dim=-1), torch.ones(12))


def test_a_loss_that_is_not_a_number_stops_with_the_step() -> None:
    def broken(first: int) -> Iterator[Tensor]:
        for number, x in enumerate(source()(first), start=first):
            yield x * torch.nan if number == 13 else x

    with pytest.raises(ValueError, match="the loss is nan at step 13"):
        fit(rows.row("l1"), broken, device=CPU)


def test_several_on_one_stream_end_as_each_would_alone() -> None:
    configs = [rows.row("l1", seed=1), rows.row("batch_topk"), rows.row("batch_topk", d_sae=20)]
    together = fit_many(configs, source(), device=CPU)
    for config, one in zip(configs, together, strict=True):
        alone = fit(config, source(), device=CPU)
        for name, value in alone.sae.state_dict().items():
            assert torch.equal(value, one.sae.state_dict()[name]), name
        assert alone.history.equals(one.history)


def test_several_read_the_stream_once() -> None:
    read: list[int] = []

    def counted(first: int) -> Iterator[Tensor]:
        for number, x in enumerate(source()(first), start=first):
            read.append(number)
            yield x

    fit_many([rows.row("l1"), rows.row("batch_topk")], counted, device=CPU)
    assert read == [*range(training.INITIAL_BATCHES), *range(20)]


def test_several_are_resumed_with_the_same_bits() -> None:
    configs = [rows.row("l1", resampling=rows.resampling()), rows.row("batch_topk")]
    whole = fit_many(configs, source(), device=CPU)
    memory = Memory(killed_after=7)
    with pytest.raises(KeyboardInterrupt):
        fit_many(configs, source(), device=CPU, checkpoint=memory)
    resumed = fit_many(configs, source(), device=CPU, checkpoint=memory)
    for one, again in zip(whole, resumed, strict=True):
        assert torch.equal(one.sae.W_dec, again.sae.W_dec)
        assert one.history.equals(again.history)


def test_one_that_diverges_stops_and_the_others_go_on() -> None:
    wild = rows.row("l1", training=rows.training(lr=1e30, warm_up=0.0))
    stopped, fine = fit_many([wild, rows.row("l1")], source(), device=CPU)
    assert "at step 1 (lr=1e+30)" in stopped.stopped
    assert fine.stopped == ""
    assert fine.history.equals(fit(rows.row("l1"), source(), device=CPU).history)


def test_a_run_that_was_stopped_stays_so_when_resumed() -> None:
    configs = [rows.row("l1", training=rows.training(lr=1e30, warm_up=0.0)), rows.row("l1")]
    memory = Memory(killed_after=7)
    with pytest.raises(KeyboardInterrupt):
        fit_many(configs, source(), device=CPU, checkpoint=memory)
    stopped, fine = fit_many(configs, source(), device=CPU, checkpoint=memory)
    assert "at step 1" in stopped.stopped
    assert fine.history.step.tolist() == [5, 10, 15, 20]


def test_several_must_agree_on_their_batches() -> None:
    other = rows.row("l1", training=rows.training(batch_size=17))
    with pytest.raises(
        ValueError, match=r"several \(n_steps, batch_size\): \[\(20, 16\), \(20, 17"
    ):
        fit_many([rows.row("l1"), other], source(), device=CPU)


def test_activations_that_end_early_are_refused() -> None:
    short = lambda first: islice(source()(first), 12)  # noqa: E731
    with pytest.raises(ValueError, match="activations end after 12 batches; n_steps=20"):
        fit(rows.row("l1"), short, device=CPU)


def test_the_learning_rate_rises_stays_and_falls() -> None:
    config = rows.row("l1", training=rows.training(n_steps=100, lr=1.0, warm_up=0.1, decay=0.2))
    rates = [schedule.learning_rate(config, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9:81] == [1.0] * 72
    assert rates[90] == pytest.approx(0.5)
    assert rates[99] == pytest.approx(0.05)


def test_an_open_learning_rate_follows_the_width() -> None:
    config = rows.row("batch_topk", d_sae=4096, training=rows.training(lr=None))
    assert schedule.peak_lr(config) == pytest.approx(4e-4)


def test_clipping_an_instance_leaves_the_others() -> None:
    sae = base.build(rows.row("l1"), d_in=6, n_instances=2)
    for parameter in sae.parameters():
        parameter.grad = torch.ones_like(parameter)
        parameter.grad[1] *= 1e-3
    training.clip_gradients_(sae, 1.0)
    gradients = [each.grad for each in sae.parameters() if each.grad is not None]
    squares = [each.square().flatten(1).sum(1) for each in gradients]
    assert squares[0][1] == pytest.approx(12 * 6 * 1e-6)
    assert torch.stack(squares).sum(0)[0] == pytest.approx(1.0)


def test_fused_adam_on_column_major_weights_is_adam() -> None:
    x = torch.randn(30, 6, generator=torch.Generator().manual_seed(0))
    saes = [base.build(rows.row("l1"), d_in=6) for _ in range(2)]
    optimizers = []
    for sae, fused in zip(saes, [True, False], strict=True):
        sae.initialise_(x)
        optimizers.append(torch.optim.Adam(sae.parameters(), lr=1e-2, fused=fused))
    for _ in range(5):
        for sae, optimizer in zip(saes, optimizers, strict=True):
            optimizer.zero_grad()
            sae.loss(x, torch.zeros(12, dtype=torch.bool), progress=0.5).total.backward()
            optimizer.step()
    for left, right in zip(saes[0].parameters(), saes[1].parameters(), strict=True):
        torch.testing.assert_close(left, right)


def test_resampled_latents_appear_in_the_history() -> None:
    config = rows.row("l1", training=rows.training(n_steps=40), resampling=rows.resampling())
    run = training.start(config, next(source()(0)), CPU)
    with torch.no_grad():
        run.sae.b_enc[:4] = -100.0
    for x in islice(source()(0), 40):
        training.advance_(run, x, source())
    found = history.language_history(run.rows).set_index("step")
    assert found.resampled[20] >= 4
    assert found.resampled[40] == 0
    assert not run.dead()[:4].all()


def test_what_another_device_left_of_adam_is_brought_to_this_one() -> None:
    """On a GPU the rate is a tensor and steps can be recorded; fused Adam needs neither here."""
    weights = torch.nn.Parameter(torch.ones(2))
    adam = torch.optim.Adam([weights], **rates.options(1e-3, torch.device("cpu")))
    adam.param_groups[0].update(lr=torch.tensor(0.5), capturable=True)
    rates.move_(adam, torch.device("cpu"))
    assert adam.param_groups[0]["lr"] == 0.5
    assert not isinstance(adam.param_groups[0]["lr"], torch.Tensor)
    assert not adam.param_groups[0]["capturable"]
