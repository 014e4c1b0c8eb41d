"""Claims of "Towards Monosemanticity" about its recipe: checks of the code, not of results."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.stats import chisquare
from torch import Generator, Tensor

from superposition.claims.core import Verdict, claim
from superposition.claims.measures import graded
from superposition.claims.monosemanticity import PAPER
from superposition.results import Results
from superposition.saes import l1, resampling
from superposition.saes.base import TrainingConfig
from superposition.values import of

TRAINING = TrainingConfig(
    n_steps=1,
    batch_size=64,
    lr=1e-3,
    beta2=0.999,
    warm_up=0.0,
    decay=0.0,
    gradient_clip=None,
    dead_window=1,
    log_every=1,
)
D_IN, D_SAE, LAMBDA = 8, 64, 0.25
CONFIG = l1.Config(
    arch="l1",
    activations="main",
    d_sae=D_SAE,
    seed=0,
    training=TRAINING,
    resampling=None,
    l1_coefficient=LAMBDA,
)
"""The autoencoder that is checked: small, with the recipe of the paper."""

Checks = dict[str, bool]
"""Whether the code agrees, part by part."""


@claim(
    "b02-sae-config",
    paper=PAPER,
    source="Appendix, sparse autoencoder setup",
    published="f = ReLU(W_e (x − b_d) + b_e), x̂ = W_d f + b_d; loss = mean squared error over the "
    "vector's elements + λ Σ |f|; Kaiming uniform weights, unit dictionary vectors, b_d at the "
    "geometric median",
    expected="The code does each of these, compared with a plain calculation to 5 digits.",
    quantity="parts of the definition that the code agrees with",
    figure="features.html#sec-recipe",
)
def definition(r: Results) -> Verdict:
    """The autoencoder has a tied pre-encoder bias, ReLU activations, unit-norm dictionary vectors,
    and a loss of mean squared error plus λ times the sum of the activations."""
    return _verdict(check_definition(l1.SAE(CONFIG, d_in=D_IN)))


def check_definition(sae: l1.SAE) -> Checks:
    """Which parts of the definition `sae` follows."""
    x = 3 + torch.randn(256, D_IN, generator=Generator().manual_seed(1))
    sae.initialise_(x)
    bound = (6 / D_IN) ** 0.5
    with torch.no_grad():
        spread = float(sae.W_enc.abs().max())
        pull = torch.nn.functional.normalize(x - sae.b_dec, dim=1).mean(dim=0)
        sae.b_enc.fill_(0.1)
        acts = torch.relu((x - sae.b_dec) @ sae.W_enc + sae.b_enc)
        x_hat = acts @ sae.W_dec + sae.b_dec
        total = (x - x_hat).square().mean() + LAMBDA * acts.sum(dim=1).mean()
        norms = sae.W_dec.norm(dim=1)
        loss = sae.loss(x, torch.zeros(D_SAE, dtype=torch.bool), progress=0.0)
        return {
            "encoder": torch.allclose(sae.encode(x), acts, atol=1e-5),
            "decoder": torch.allclose(sae(x), x_hat, atol=1e-5),
            "loss": torch.allclose(loss.total, total, rtol=1e-5),
            "unit dictionary vectors": torch.allclose(norms, torch.ones(D_SAE), atol=1e-5),
            "Kaiming uniform start": 0.9 * bound < spread <= bound,
            "bias at the geometric median": float(pull.norm()) < 1e-5,
        }


@claim(
    "b05-resampling",
    paper=PAPER,
    source="Appendix, neuron resampling",
    published="inputs drawn by squared loss; dictionary vector = unit input; encoder = 0.2 × mean "
    "alive norm; bias 0; Adam's moments of the changed weights reset",
    expected="The code does each of these on a planted dead latent, and nothing to the others; "
    "drawing agrees with squared losses by a chi-squared test (p above 0.001).",
    quantity="parts of the procedure that the code agrees with",
    figure="features.html#sec-recipe",
)
def resampling_procedure(r: Results) -> Verdict:
    """Dead latents are resampled towards inputs with a high loss, drawn in proportion to its
    square, and the optimiser's state of the changed weights is reset."""
    resample_, forget_ = resampling.resample_, resampling.forget_moments_
    return _verdict(check_resampling(resampling.draw_inputs, resample_, forget_))


def check_resampling(
    draw: Callable[..., Int[Tensor, " n"]],
    resample_: Callable[..., None],
    forget_: Callable[..., None],
) -> Checks:
    """Which parts of the procedure these functions follow."""
    sae, optimizer, dead = _trained_with_a_dead_latent()
    before = {name: weight.detach().clone() for name, weight in sae.named_parameters()}
    moments = optimizer.state[sae.W_dec]["exp_avg_sq"].clone()
    direction = torch.randn(1, D_IN, generator=Generator().manual_seed(2))
    resample_(sae, dead, direction, encoder_scale=0.2)
    forget_(optimizer, sae, dead)
    unit = direction[0] / direction.norm()
    alive_norm = before["W_enc"].mT[~dead].norm(dim=1).mean()
    kept = torch.equal(sae.W_dec[~dead], before["W_dec"][~dead])
    kept = kept and torch.equal(sae.W_enc.mT[~dead], before["W_enc"].mT[~dead])
    remembered = optimizer.state[sae.W_dec]["exp_avg_sq"][~dead]
    return {
        "drawn by squared loss": _drawn_by_square(draw),
        "dictionary vector": torch.allclose(sae.W_dec[dead][0], unit, atol=1e-6),
        "encoder vector": torch.allclose(sae.W_enc.mT[dead][0], 0.2 * alive_norm * unit, atol=1e-6),
        "bias": not bool(sae.b_enc[dead].any()),
        "moments reset": _forgotten(optimizer, sae, dead),
        "others untouched": kept and torch.equal(remembered, moments[~dead]),
    }


def _trained_with_a_dead_latent() -> tuple[l1.SAE, torch.optim.Adam, Bool[Tensor, " d_sae"]]:
    """An autoencoder after one step of Adam, and the latent taken for dead."""
    sae = l1.SAE(CONFIG, d_in=D_IN)
    x: Float[Tensor, "batch d_in"] = torch.randn(64, D_IN, generator=Generator().manual_seed(0))
    sae.initialise_(x)
    with torch.no_grad():
        sae.b_enc.fill_(0.1)
    optimizer = torch.optim.Adam(sae.parameters(), lr=1e-3)
    dead = torch.zeros(D_SAE, dtype=torch.bool)
    sae.loss(x, dead, progress=0.0).total.backward()
    optimizer.step()
    dead[3] = True
    return sae, optimizer, dead


def _forgotten(optimizer: torch.optim.Optimizer, sae: l1.SAE, dead: Bool[Tensor, " d_sae"]) -> bool:
    """Whether every moment of the dead latents' weights is 0."""
    states = (optimizer.state[weight] for weight in (sae.W_dec, sae.b_enc, sae.W_enc))
    moments = [state[name] for state in states for name in ("exp_avg", "exp_avg_sq")]
    by_latent = [each.mT if each.shape == sae.W_enc.shape else each for each in moments]
    return all(not bool(each[dead].any()) for each in by_latent)


def _drawn_by_square(draw: Callable[..., Int[Tensor, " n"]]) -> bool:
    losses, n = np.array([1.0, 2.0, 3.0, 4.0]), 40_000
    drawn = draw(torch.from_numpy(losses), n, generator=Generator().manual_seed(0))
    observed = np.bincount(drawn.numpy(), minlength=len(losses))
    expected = n * losses**2 / (losses**2).sum()
    return bool(chisquare(observed, expected).pvalue > 0.001)


def _verdict(checks: Checks) -> Verdict:
    failed = [name for name, agrees in checks.items() if not agrees]
    n_agree = len(checks) - len(failed)
    detail = f"Disagrees in: {', '.join(failed)}." if failed else f"Checked: {', '.join(checks)}."
    return Verdict(
        measured=of(n_agree, len(checks)), holds=graded(not failed, False), detail=detail
    )
