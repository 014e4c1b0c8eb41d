from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from superposition.language.attention import attend
from superposition.language.cross_entropy import (
    LOGITS_AT_ONCE,
    cross_entropies,
    mean_cross_entropy,
)
from superposition.language.transformer import (
    OneLayerTransformer,
    TransformerConfig,
    restore,
    shuffled,
    to_bridge,
)

CONFIG = TransformerConfig(
    d_model=16,
    d_mlp=24,
    n_heads=2,
    d_head=8,
    n_ctx=12,
    seed=3,
    held_out_tokens=100,
    made_from="transformer/other",
)
D_VOCAB = 30


@pytest.fixture
def model() -> OneLayerTransformer:
    """A model whose biases are not zero, so that a forgotten one shows."""
    model = OneLayerTransformer(CONFIG, d_vocab=D_VOCAB)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    return model


@pytest.fixture
def tokens() -> torch.Tensor:
    return torch.randint(D_VOCAB, (4, 12), generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def bridge_kit():
    """TransformerLens, imported once: it takes seconds and warns about its dependencies."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("transformer_lens")


def test_logits_and_activations_equal_those_of_transformer_lens(model, tokens, bridge_kit):
    bridge = to_bridge(model)
    logits, cache = bridge.run_with_cache(tokens)
    torch.testing.assert_close(logits, model(tokens), atol=1e-4, rtol=1e-4)
    acts = cache["blocks.0.mlp.hook_post"]
    torch.testing.assert_close(acts, model.mlp_acts(tokens), atol=1e-5, rtol=1e-5)


def test_weights_have_the_orientation_of_transformer_lens(model, bridge_kit):
    bridge = to_bridge(model)
    torch.testing.assert_close(bridge.W_E, model.W_E)
    torch.testing.assert_close(bridge.W_U, model.W_U)
    torch.testing.assert_close(bridge.blocks[0].mlp.W_in, model.W_in)
    torch.testing.assert_close(bridge.W_out[0], model.W_out)


def test_a_fresh_model_starts_where_transformer_lens_starts_from_that_seed(bridge_kit):
    fresh = OneLayerTransformer(CONFIG, d_vocab=D_VOCAB)
    sizes = {"d_model": 16, "d_mlp": 24, "n_heads": 2, "d_head": 8, "n_ctx": 12, "n_layers": 1}
    kind = {"d_vocab": D_VOCAB, "act_fn": "relu", "normalization_type": "LN", "seed": 3}
    bridge = bridge_kit.TransformerBridge.boot_native(sizes | kind)
    torch.testing.assert_close(bridge.W_out[0], fresh.W_out, rtol=0, atol=1e-7)
    torch.testing.assert_close(bridge.W_U, fresh.W_U, rtol=0, atol=1e-7)


def test_a_fresh_model_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    OneLayerTransformer(CONFIG, d_vocab=D_VOCAB)
    assert torch.equal(before, torch.get_rng_state())


def test_losses_are_the_cross_entropy_of_the_logits(model, tokens):
    log_probabilities = model(tokens).log_softmax(-1)[:, :-1]
    expected = -log_probabilities.gather(-1, tokens[:, 1:, None]).squeeze(-1)
    torch.testing.assert_close(model.losses(tokens), expected)


def test_a_window_may_hold_one_token_more_than_the_model_sees(model, tokens):
    longer = torch.cat([tokens, tokens[:, :1]], dim=1)
    torch.testing.assert_close(model.losses(longer)[:, :-1], model.losses(tokens))
    with pytest.raises(ValueError, match="13 positions exceed n_ctx=12"):
        model(longer)


def test_replacing_activations_by_themselves_changes_nothing(model, tokens):
    torch.testing.assert_close(model.losses(tokens, lambda acts: acts), model.losses(tokens))


def test_zeroed_activations_leave_the_bias_of_the_mlp(model, tokens):
    zeroed = model.losses(tokens, torch.zeros_like)
    with torch.no_grad():
        model.layers[0].mlp.fc_out.weight.zero_()
    torch.testing.assert_close(zeroed, model.losses(tokens))


def test_a_position_sees_nothing_after_it(model, tokens):
    changed = tokens.clone()
    changed[:, 7:] = (changed[:, 7:] + 1) % D_VOCAB
    torch.testing.assert_close(model(changed)[:, :7], model(tokens)[:, :7])
    assert not torch.allclose(model(changed)[:, 7:], model(tokens)[:, 7:])


def test_both_ways_to_attend_agree():
    q, k, v = torch.randn(3, 2, 4, 9, 8, generator=torch.Generator().manual_seed(0)).bfloat16()
    exact = F.scaled_dot_product_attention(q.float(), k.float(), v.float(), is_causal=True)
    torch.testing.assert_close(attend(q, k, v).float(), exact, atol=0.03, rtol=0.03)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
def test_the_loss_trained_on_has_the_value_and_gradients_of_the_plain_one(
    dtype, tolerance, monkeypatch
):
    monkeypatch.setitem(LOGITS_AT_ONCE, "cpu", 3 * D_VOCAB)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(10, 16, generator=generator).requires_grad_()
    W_U = torch.randn(16, D_VOCAB, generator=generator).requires_grad_()
    targets = torch.randint(D_VOCAB, (10,), generator=generator)
    plain = F.cross_entropy(x @ W_U, targets)
    ours = mean_cross_entropy(x, W_U, targets, dtype=dtype)
    torch.testing.assert_close(ours, plain, atol=tolerance, rtol=tolerance)
    torch.testing.assert_close(cross_entropies(x, W_U, targets).mean(), plain)
    for a, b in zip(
        torch.autograd.grad(3 * ours, (x, W_U)),
        torch.autograd.grad(3 * plain, (x, W_U)),
        strict=True,
    ):
        torch.testing.assert_close(a, b, atol=tolerance, rtol=tolerance)


def test_shuffling_keeps_the_entries_of_each_tensor_and_moves_them(model):
    moved = shuffled(model, seed=0)
    for name, parameter in model.state_dict().items():
        theirs = moved.state_dict()[name]
        assert torch.equal(parameter.flatten().sort().values, theirs.flatten().sort().values)
        assert parameter.numel() < 10 or not torch.equal(parameter, theirs)
    assert torch.equal(shuffled(model, seed=0).W_U, moved.W_U)
    assert not torch.equal(shuffled(model, seed=1).W_U, moved.W_U)


def test_weights_make_the_model_again_and_foreign_ones_are_refused(model, tokens):
    weights = model.state_dict()
    assert torch.equal(restore(CONFIG, weights)(tokens), model(tokens))
    expected = r"the weights have \(24,\) as layers.0.mlp.fc_in.bias, the parameters say \(32,\)"
    with pytest.raises(ValueError, match=expected):
        restore(replace(CONFIG, d_mlp=32), weights)
    with pytest.raises(ValueError, match=r"no head\.weight among tok_embed\.weight, pos\.weight"):
        restore(CONFIG, {name: weights[name] for name in weights if name != "head.weight"})


def test_a_row_is_either_trained_or_shuffled():
    with pytest.raises(ValueError, match="what is made from tokens is trained"):
        replace(CONFIG, made_from="tokens")
    with pytest.raises(ValueError, match=r"made_from='other'; allowed: tokens, transformer/<row>"):
        replace(CONFIG, made_from="other")
    with pytest.raises(ValueError, match=r"allowed: .*\.\./reference/<scale>/transformer/<row>"):
        replace(CONFIG, made_from="../reference/laptop/sae/l1")
