"""Parameters, constraints, the geometric median, and how an architecture is found."""

from pathlib import Path

import pytest
import torch
import yaml
from tests.saes.rows import OWN_FIELDS, row

from superposition.core.params import ParameterError, Params
from superposition.saes import base


def test_projected_gradients_are_orthogonal_to_unit_rows() -> None:
    sae = base.build(row("l1"), d_in=5)
    sae.initialise_(torch.randn(30, 5, generator=torch.Generator().manual_seed(0)))
    torch.testing.assert_close(sae.W_dec.norm(dim=-1), torch.ones(12))
    sae.W_dec.grad = torch.randn(12, 5, generator=torch.Generator().manual_seed(1))
    before = sae.W_dec.grad.clone()
    sae.project_gradients_()
    torch.testing.assert_close((sae.W_dec.grad * sae.W_dec).sum(-1), torch.zeros(12))
    removed = before - sae.W_dec.grad
    torch.testing.assert_close(removed, (removed * sae.W_dec).sum(-1, keepdim=True) * sae.W_dec)


def test_an_unknown_architecture_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match=r"arch='topk_9' is unknown; have: .*batch_topk.*l1"):
        base.architecture("topk_9")
    with pytest.raises(ValueError, match="arch='training' is unknown"):
        base.architecture("training")


def test_a_row_of_another_architecture_is_refused() -> None:
    with pytest.raises(ValueError, match=r"arch='l1' is not configured by .*batch_topk"):
        base.architecture("batch_topk").Config(**(vars(row("batch_topk")) | {"arch": "l1"}))


def test_k_above_d_sae_is_refused_with_row_and_file(tmp_path: Path) -> None:
    values = base.build(row("batch_topk"), d_in=4).to_dict()
    values = {key: values[key] for key in values if key not in ("d_in", "n_instances")}
    tree = {"scale": "laptop", "sae": {"bad": values | {"k": 64, "d_sae": 32}}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    params = Params.read(root=tmp_path)
    with pytest.raises(ParameterError, match=r"k=64 exceeds d_sae=32 \(params.yaml: sae.bad\)"):
        params.load(base.architecture("batch_topk").Config, "sae", "bad")


@pytest.mark.parametrize("arch", OWN_FIELDS)
def test_restoring_saved_weights_gives_the_same_codes(arch: str) -> None:
    sae = base.build(row(arch), d_in=5, n_instances=2)
    x = torch.randn(2, 30, 5, generator=torch.Generator().manual_seed(0))
    sae.initialise_(x)
    again = base.restore(row(arch), {k: v.contiguous() for k, v in sae.state_dict().items()})
    assert torch.equal(sae.encode(x), again.encode(x))


def test_weights_of_another_width_are_refused() -> None:
    tensors = base.build(row("l1"), d_in=5).state_dict()
    with pytest.raises(ValueError, match="d_sae=13, but the weights have 12 latents"):
        base.restore(row("l1", d_sae=13), tensors)


def test_codes_of_a_sequence_are_those_of_its_tokens() -> None:
    sae = base.build(row("l1"), d_in=5)
    x = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0))
    sae.initialise_(x.flatten(0, 1))
    torch.testing.assert_close(sae.encode(x)[1], sae.encode(x[1]))
    torch.testing.assert_close(sae(x)[1], sae(x[1]))
