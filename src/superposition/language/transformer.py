"""A transformer of one layer: the function of TransformerLens' native model, written plainly.

Pre-LayerNorm, learned positions, causal attention, a ReLU MLP, an unembedding without bias. The
parameters have the names of TransformerLens' native model, so that `to_bridge` only copies them.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from superposition.language.attention import Attention
from superposition.language.cross_entropy import cross_entropies

if TYPE_CHECKING:
    from transformer_lens import TransformerBridge

Replace: TypeAlias = Callable[[Float[Tensor, "batch seq d_mlp"]], Float[Tensor, "batch seq d_mlp"]]
"""An intervention: the MLP's activations in, what to use in their place out."""
PUBLISHED = re.compile(r"\.\./reference/([\w-]+)/transformer/([\w-]+)")
"""`made_from` where the weights are those of a reference run: its scale and its row."""


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How a transformer is trained. Lies here so that readers of a row need not import the loop."""

    n_tokens: int
    """Tokens to train on, rounded up to whole batches. Source: 100 billion in Towards
    Monosemanticity, table of models; here what a laptop does in minutes."""
    batch_size: int
    """Windows of n_ctx tokens in a step."""
    lr: float
    """Highest learning rate of Adam."""
    lr_warm_up: float
    """Fraction of the steps over which the learning rate rises from zero."""
    lr_final: float
    """Learning rate at the end of the cosine, as a fraction of `lr`."""
    adam_beta_2: float
    """Decay of Adam's second moment in a step."""
    weight_decay: float
    """Decoupled decay of the weight matrices; biases and LayerNorms have none."""
    grad_clip: float
    """Largest norm of the gradient over all parameters."""
    log_every: int
    """Steps from one row of the history to the next."""
    evaluate_every: int
    """Steps between held-out losses: a multiple of `log_every`."""
    evaluate_tokens: int
    """Held-out tokens of such a loss: always the same ones."""

    def __post_init__(self) -> None:
        for name in ("n_tokens", "batch_size", "lr", "grad_clip", "log_every", "evaluate_tokens"):
            _require(getattr(self, name) > 0, f"{name}={getattr(self, name)} is not above 0")
        for name in ("lr_warm_up", "lr_final", "adam_beta_2"):
            value = getattr(self, name)
            _require(0 <= value <= 1, f"{name}={value} is outside 0 to 1")
        _require(self.weight_decay >= 0, f"weight_decay={self.weight_decay} is below 0")
        multiple = self.evaluate_every > 0 and self.evaluate_every % self.log_every == 0
        message = f"evaluate_every={self.evaluate_every} is no multiple of log_every"
        _require(multiple, f"{message}={self.log_every}")


@dataclass(frozen=True, kw_only=True)
class TransformerConfig:
    """One transformer: trained, taken from a reference run, or with another's weights shuffled."""

    d_model: int = 128
    """Width of the residual stream. Source: Towards Monosemanticity, table of models."""
    d_mlp: int = 512
    """Neurons of the MLP. Source: Towards Monosemanticity, table of models."""
    n_heads: int
    """Attention heads. The paper does not publish it."""
    d_head: int
    """Width of a head. The paper does not publish it."""
    n_ctx: int
    """Tokens the model sees at a time. The paper does not publish it."""
    seed: int
    """Of the initial weights and of the order of the text; of the permutations if shuffled."""
    held_out_tokens: int
    """Held-out tokens of the final loss, or all of them if there are fewer."""
    made_from: str
    """`tokens`, on which it is trained; `transformer/<row>`, whose weights are shuffled; or
    `../reference/<scale>/transformer/<row>`, whose weights are taken as they were published."""
    training: TrainingConfig | None = None
    """How it is, or was, trained; none if the weights are shuffled."""

    def __post_init__(self) -> None:
        for name in ("d_model", "d_mlp", "n_heads", "d_head", "n_ctx", "held_out_tokens"):
            _require(getattr(self, name) > 0, f"{name}={getattr(self, name)} is not above 0")
        trained = self.made_from == "tokens" or self.published is not None
        _require(
            trained or self.made_from.startswith("transformer/"),
            f"made_from={self.made_from!r}; allowed: tokens, transformer/<row>, or "
            "../reference/<scale>/transformer/<row>",
        )
        _require(
            trained == (self.training is not None),
            f"made_from={self.made_from!r} with training={'given' if self.training else None}: "
            "what is made from tokens is trained, or was before it was published; "
            "what is made from transformer/<row> is shuffled",
        )

    @property
    def published(self) -> tuple[str, str] | None:
        """Scale and row of the reference run whose weights are taken, if they are."""
        found = PUBLISHED.fullmatch(self.made_from)
        return (found[1], found[2]) if found else None


class _Mlp(nn.Module):
    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.fc_in = nn.Linear(config.d_model, config.d_mlp)
        self.fc_out = nn.Linear(config.d_mlp, config.d_model)


class _Block(nn.Module):
    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(config.d_model)
        self.attn = Attention(d_model=config.d_model, n_heads=config.n_heads, d_head=config.d_head)
        self.ln2 = nn.LayerNorm(config.d_model)
        self.mlp = _Mlp(config)


class OneLayerTransformer(nn.Module):
    """Tokens to logits through one layer. A fresh one is a function of the configuration's seed."""

    def __init__(self, config: TransformerConfig, *, d_vocab: int) -> None:
        super().__init__()
        self.config = config
        self.d_vocab = d_vocab
        with torch.device("meta"):  # no draws from the global generator
            self.tok_embed = nn.Embedding(d_vocab, config.d_model)
            self.pos = nn.Embedding(config.n_ctx, config.d_model)
            self.layers = nn.ModuleList([_Block(config)])
            self.ln_out = nn.LayerNorm(config.d_model)
            self.head = nn.Linear(config.d_model, d_vocab, bias=False)
        self.to_empty(device="cpu")
        _initialise_(self, torch.Generator().manual_seed(config.seed))

    def forward(
        self, tokens: Int[Tensor, "batch seq"], replace: Replace | None = None
    ) -> Float[Tensor, "batch seq d_vocab"]:
        """The logits of each position's next token."""
        return self.head(self.last_residual(tokens, replace))

    def mlp_acts(self, tokens: Int[Tensor, "batch seq"]) -> Float[Tensor, "batch seq d_mlp"]:
        """The MLP's activations, after the ReLU. Nothing after them is computed."""
        return self._acts(self._residual_before_mlp(tokens))

    def last_residual(
        self, tokens: Int[Tensor, "batch seq"], replace: Replace | None = None
    ) -> Float[Tensor, "batch seq d_model"]:
        """What the unembedding reads: the residual stream after the last LayerNorm."""
        residual = self._residual_before_mlp(tokens)
        acts = self._acts(residual)
        if replace is not None:
            acts = replace(acts)
        return self.ln_out(residual + self._block.mlp.fc_out(acts))

    def losses(
        self, tokens: Int[Tensor, "batch seq"], replace: Replace | None = None
    ) -> Float[Tensor, "batch seq-1"]:
        """Nats for each token but the first of a window, given those before it.

        `replace` sees the activations of the seq - 1 positions that predict something: a window
        may hold n_ctx + 1 tokens, and then every position of the model predicts one.
        """
        x = self.last_residual(tokens[:, :-1], replace).flatten(0, 1)
        losses = cross_entropies(x, self.W_U, tokens[:, 1:].flatten())
        return losses.unflatten(0, (len(tokens), tokens.shape[1] - 1))

    @property
    def W_E(self) -> Float[Tensor, "d_vocab d_model"]:
        """The embedding: row t is token t's direction in the residual stream."""
        return self.tok_embed.weight

    @property
    def W_in(self) -> Float[Tensor, "d_model d_mlp"]:
        """The MLP's first matrix: column i is what neuron i reads."""
        return self._block.mlp.fc_in.weight.mT

    @property
    def W_out(self) -> Float[Tensor, "d_mlp d_model"]:
        """The MLP's second matrix: row i is what neuron i writes."""
        return self._block.mlp.fc_out.weight.mT

    @property
    def W_U(self) -> Float[Tensor, "d_model d_vocab"]:
        """The unembedding: column t is the direction that raises token t's logit."""
        return self.head.weight.mT

    @property
    def n_parameters(self) -> int:
        """Weights and biases, with embeddings."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def device(self) -> torch.device:
        """Where the parameters lie."""
        return self.head.weight.device

    @property
    def _block(self) -> _Block:
        block = self.layers[0]
        assert isinstance(block, _Block)
        return block

    def _residual_before_mlp(self, tokens: Tensor) -> Tensor:
        n_ctx = self.config.n_ctx
        _require(tokens.shape[1] <= n_ctx, f"{tokens.shape[1]} positions exceed n_ctx={n_ctx}")
        residual = self.tok_embed(tokens) + self.pos.weight[: tokens.shape[1]]
        return residual + self._block.attn(self._block.ln1(residual))

    def _acts(self, residual: Tensor) -> Tensor:
        return F.relu(self._block.mlp.fc_in(self._block.ln2(residual)))


def restore(config: TransformerConfig, weights: dict[str, Tensor]) -> OneLayerTransformer:
    """The transformer of `config` with saved weights, under the names of its parameters."""
    _require("head.weight" in weights, f"no head.weight among {', '.join(weights)}")
    model = OneLayerTransformer(config, d_vocab=len(weights["head.weight"]))
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    for name in sorted(expected.keys() | found.keys()):
        ours, theirs = expected.get(name, "nothing"), found.get(name, "nothing")
        _require(ours == theirs, f"the weights have {theirs} as {name}, the parameters say {ours}")
    model.load_state_dict(weights)
    return model


def shuffled(model: OneLayerTransformer, *, seed: int) -> OneLayerTransformer:
    """A copy of `model` with the entries of every parameter tensor permuted among themselves.

    What features are left tell about the data, not about the model.
    Source: Towards Monosemanticity, "Do features tell us about the model or the data?".
    Differs: biases and LayerNorm vectors are permuted as the matrices are, because learned
    values that stay in their place would be learned structure.
    """
    copy = OneLayerTransformer(model.config, d_vocab=model.d_vocab).to(model.device)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for ours, theirs in zip(copy.parameters(), model.parameters(), strict=True):
            order = torch.randperm(theirs.numel(), generator=generator).to(theirs.device)
            ours.copy_(theirs.flatten()[order].view_as(theirs))
    return copy


def to_bridge(model: OneLayerTransformer) -> "TransformerBridge":
    """`model` as TransformerLens' bridge, with its hooks, cache and names, on the CPU."""
    # Also known as TransformerBridge.boot_native. Imported here because that takes seconds.
    from transformer_lens.model_bridge.sources.native import boot

    config = model.config
    sizes = {name: getattr(config, name) for name in ("d_model", "d_mlp", "n_heads", "d_head")}
    kind = {"act_fn": "relu", "normalization_type": "LN", "n_layers": 1}
    where = {"n_ctx": config.n_ctx, "d_vocab": model.d_vocab, "seed": config.seed}
    bridge = boot(sizes | kind | where)
    ours = model.state_dict()
    with torch.no_grad():
        for wrapped, theirs in bridge.original_model.named_parameters():
            name = wrapped.replace("._original_component", "")
            if name != "head.bias":  # the bridge's own, zero
                theirs.copy_(ours.pop(name))
    assert not ours, f"the bridge has no place for {', '.join(ours)}"
    return bridge


def _initialise_(model: OneLayerTransformer, generator: torch.Generator) -> None:
    """Start where TransformerLens' native model starts from the same seed (`init_mode` gpt2)."""
    std = 0.8 / math.sqrt(model.config.d_model)
    into_residual = ("attn.o.weight", "mlp.fc_out.weight")
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1:
            nn.init.constant_(parameter, float(".ln" in f".{name}" and name.endswith("weight")))
        else:
            scale = math.sqrt(0.5) if name.endswith(into_residual) else 1.0
            nn.init.normal_(parameter, std=std * scale, generator=generator)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)
