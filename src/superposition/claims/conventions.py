"""Claims about sums and means: how losses, coefficients and frequencies of the sources compare."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from superposition.claims.arena import PAPER
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import graded
from superposition.claims.recipe import CONFIG
from superposition.results import Results
from superposition.saes import l1, metrics
from superposition.values import fmt, of

PAGE = "known-features.html#sec-conventions"
INSTANCES, D_IN, D_SAE, N = 3, 4, 6, 64
NANDA_L1, NANDA_BATCH, NANDA_D_IN = 3e-4, 4096, 2048
"""The coefficient, the batch and the width of the open replication. Source: its configuration."""

Reduce = Callable[[Tensor], Tensor]


@claim(
    "d10-toy-sae-def",
    paper=PAPER,
    source="1.6, the autoencoder",
    published="z = ReLU(W_enc (h − b_dec) + b_enc), h' = W_dec z + b_dec; loss = mean over inputs "
    "and their dimensions of the squared error + λ Σ z; summed over instances; unit rows",
    expected="The code does each of these for several instances at once, compared with a plain "
    "calculation to 5 digits.",
    quantity="parts of the definition that the code agrees with",
    figure=PAGE,
)
def definition(r: Results) -> Verdict:
    """The autoencoder of a toy model reads h minus the decoder's bias, and is trained on the mean
    squared error plus λ times the sum of its activations."""
    return check_definition(l1.SAE)


def check_definition(kind: Any) -> Verdict:
    """Which parts of the definition the class `kind` follows."""
    h = torch.randn(INSTANCES, N, D_IN, generator=Generator().manual_seed(0))
    sae = kind(CONFIG, d_in=D_IN, n_instances=INSTANCES)
    sae.initialise_(h)
    coefficient = CONFIG.l1_coefficient
    with torch.no_grad():
        loss = sae.loss(h, torch.zeros(sae.b_enc.shape, dtype=torch.bool), progress=0.0)
        z = torch.stack([_encode(sae, i, h[i]) for i in range(INSTANCES)])
        h_hat = torch.stack([z[i] @ sae.W_dec[i] + sae.b_dec[i] for i in range(INSTANCES)])
        plain = (h - h_hat).square().mean(2).mean(1) + coefficient * z.sum(2).mean(1)
        norms = sae.W_dec.norm(dim=-1)
        checks = {
            "encoder": torch.allclose(sae.encode(h), z, atol=1e-5),
            "decoder": torch.allclose(sae(h), h_hat, atol=1e-5),
            "loss": torch.allclose(loss.total, plain, rtol=1e-5),
            "unit rows": torch.allclose(norms, torch.ones_like(norms), atol=1e-5),
        }
    failed = [name for name, agrees in checks.items() if not agrees]
    words = f"Disagrees in: {', '.join(failed)}." if failed else f"Checked: {', '.join(checks)}."
    return Verdict(
        measured=of(len(checks) - len(failed), len(checks)),
        holds=graded(not failed, False),
        detail=f"{words} Differs: the tutorial starts from Xavier weights and zero biases, we from "
        "those of Towards Monosemanticity.",
    )


def _encode(sae: l1.SAE, instance: int, h: Tensor) -> Tensor:
    centred = h - sae.b_dec[instance]
    return (centred @ sae.W_enc[instance] + sae.b_enc[instance]).clamp(min=0)


@claim(
    "d20-l1-sum-vs-mean",
    paper=PAPER,
    source="1.6, question on the loss",
    published="the L1 term must be a sum over latents, the squared error a mean over inputs",
    expected="Replacing every latent by two of half the activation leaves the L1 term as it is "
    "under a sum, and halves it under a mean; the code's term follows the sum.",
    quantity="L1 term after over before, in the code",
    figure=PAGE,
)
def sum_over_latents(r: Results) -> Verdict:
    """The penalty is summed over latents, so that the pressure on each does not depend on how many
    there are."""
    return check_duplication(lambda acts: acts.sum(-1).mean())


def check_duplication(penalty: Reduce) -> Verdict:
    """Whether splitting latents in two leaves a penalty on activations as it is."""
    acts = torch.rand(N, D_SAE, generator=Generator().manual_seed(0))
    halves = torch.cat([acts, acts], dim=-1) / 2
    ratio = float(penalty(halves) / penalty(acts))
    mean = float(halves.mean() / acts.mean())
    return Verdict(
        measured=ratio,
        holds=graded(abs(ratio - 1) < 1e-5 and abs(mean - 0.5) < 1e-5, False),
        detail=f"As a sum the term changes by a factor of {fmt(ratio)}, as a mean over latents by "
        f"{fmt(mean)}.",
    )


@claim(
    "d24-l1-normalisation",
    paper=PAPER,
    source="1.7, the replication's utils.py: l1_coeff * acts.sum() + squared error, summed over "
    "dimensions, mean over the batch",
    published="l1_coeff 3e-4, batches of 4,096, 2,048 dimensions",
    expected="Its loss is proportional to that of Towards Monosemanticity, to 5 digits, with a "
    "coefficient of 3e-4 × 4,096 / 2,048 = 6.0e-4 in the latter's units; and not with 3e-4.",
    quantity="coefficient in units of Towards Monosemanticity",
    figure=PAGE,
)
def normalisation(r: Results) -> Verdict:
    """The open replication sums its L1 term over the batch, too, so that its coefficient means
    another thing than the paper's."""
    return check_conversion(NANDA_L1 * NANDA_BATCH / NANDA_D_IN)


def check_conversion(coefficient: float) -> Verdict:
    """Whether this coefficient turns the paper's loss into the replication's, up to a factor."""
    generator = Generator().manual_seed(0)
    ratios = []
    for scale in (0.1, 1.0, 10.0):
        error = torch.randn(NANDA_BATCH, NANDA_D_IN, generator=generator)
        acts = scale * torch.rand(NANDA_BATCH, D_SAE, generator=generator)
        theirs = error.square().sum(1).mean() + NANDA_L1 * acts.sum()
        paper = error.square().mean() + coefficient * acts.sum(1).mean()
        ratios.append(float(theirs / paper))
    spread = max(ratios) / min(ratios) - 1
    return Verdict(
        measured=coefficient,
        holds=graded(spread < 1e-5, False),
        detail=f"Ratios of the two losses on three batches: {', '.join(map(fmt, ratios))}; "
        f"they are to be {fmt(NANDA_D_IN)}. Per input, with squared errors as sums, the "
        f"coefficient is {fmt(NANDA_L1 * NANDA_BATCH)}.",
    )


@claim(
    "t13-coefficients",
    paper=PAPER,
    source="1.6 and 1.7 beside Towards Monosemanticity and the open replication",
    published="0.25 on toys, 0.004 in the paper, 3e-4 in the replication",
    expected="In one unit (mean squared error per dimension, sum of activations per input), the "
    "replication's coefficient stays what its number says, within 10%. Partly: within a factor "
    "of 1.5.",
    quantity="converted over printed coefficient of the replication",
    figure=PAGE,
)
def comparable(r: Results) -> Verdict:
    """Coefficients of the L1 term can be read side by side as they are printed."""
    return check_comparable(NANDA_L1 * NANDA_BATCH / NANDA_D_IN, NANDA_L1)


def check_comparable(converted: float, printed: float) -> Verdict:
    """Whether a coefficient means the same in both conventions."""
    ratio = converted / printed
    return Verdict(
        measured=ratio,
        holds=graded(abs(ratio - 1) < 0.1, 1 / 1.5 < ratio < 1.5),
        detail=f"The replication's {fmt(printed, 'given')} is {fmt(converted, 'given')} in the "
        "paper's units, where the paper has 0.004 and the tutorial's toys 0.25: of its activations "
        "each depends on their scale besides.",
    )


@claim(
    "t03-mean-not-frequency",
    paper=PAPER,
    source="1.7, get_feature_probability",
    published="the function returns acts.mean(0)",
    expected="On a hand-made batch with a latent that is weakly active on every input and one that "
    "is strongly active on one of 1,000, both ways to count call the same latent rarer.",
    quantity="latent called rarer by the mean; by the frequency it is the second",
    figure=PAGE,
)
def mean_is_frequency(r: Results) -> Verdict:
    """The probability that a latent fires is the mean of its activations."""
    return check_frequency(lambda acts: acts.mean(0))


def check_frequency(probability: Reduce) -> Verdict:
    """Whether `probability` orders two latents by how often they are active."""
    acts = torch.zeros(1_000, 2)
    acts[:, 0], acts[0, 1] = 1e-5, 1.0
    truth, given = metrics.feature_density(acts), probability(acts)
    same = int(truth.argmin()) == int(given.argmin())
    return Verdict(
        measured="first" if int(given.argmin()) == 0 else "second",
        holds=graded(same, False),
        detail=f"Frequencies {fmt(float(truth[0]))} and {fmt(float(truth[1]))}; by this function "
        f"{fmt(float(given[0]))} and {fmt(float(given[1]))}. We count activations above 0.",
    )


@claim(
    "t14-norm-label",
    paper=PAPER,
    source='1.7, printed as "Avg L2 norm of acts"',
    published="the printed quantity is the mean of squared entries",
    expected="On inputs (3, 4) it equals their L2 norm, 5.",
    quantity="the printed quantity for (3, 4)",
    figure=PAGE,
)
def printed_norm(r: Results) -> Verdict:
    """The number printed as the average L2 norm of activations is that norm."""
    return check_norm(lambda x: x.square().mean())


def check_norm(printed: Reduce) -> Verdict:
    """Whether `printed` is the mean L2 norm of inputs."""
    x: Float[Tensor, "batch d_in"] = torch.tensor([[3.0, 4.0], [3.0, 4.0]])
    value, norm = float(printed(x)), float(np.linalg.norm(x.numpy(), axis=1).mean())
    return Verdict(
        measured=value,
        holds=graded(abs(value - norm) < 1e-6, False),
        detail=f"The norm of (3, 4) is {fmt(norm)}; the mean of squared entries {fmt(value)}.",
    )
