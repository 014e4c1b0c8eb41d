"""The same weights give the same reconstruction here and in the peers' forward passes."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from superposition.benchmarks.client import Process
from superposition.benchmarks.ours import config_for
from superposition.benchmarks.plan import ARCHITECTURES
from superposition.benchmarks.stream import Case
from superposition.saes.base import SAE, build

CLOSE = 1e-5
D_IN, D_SAE, K = 24, 96, 6


def random_sae(arch: str) -> SAE:
    """An autoencoder with every parameter away from its first value, and norms that differ."""
    case = Case(arch=arch, d_in=D_IN, d_sae=D_SAE, batch_size=1, k=K, n_steps=1, lr=1e-3, seed=0)
    sae, generator = build(config_for(case), d_in=D_IN), torch.Generator().manual_seed(1)
    for parameter in sae.parameters():
        parameter.data.normal_(generator=generator).mul_(0.3)
    if "threshold" in sae.state_dict():
        sae.state_dict()["threshold"].fill_(0.4)
    return sae


def weights_of(sae: SAE) -> dict[str, torch.Tensor]:
    """Its weights by our names, less the unit of its inputs; one threshold for each latent."""
    state = {name: each.detach() for name, each in sae.state_dict().items() if name != "scale"}
    if "threshold" in state:
        state["threshold"] = state["threshold"].expand(D_SAE)
    return {name: each.contiguous() for name, each in state.items()}


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_everyone_reconstructs_alike(peers: Process, tmp_path: Path, arch: str) -> None:
    sae, x = random_sae(arch), torch.randn(50, D_IN, generator=torch.Generator().manual_seed(2))
    save_file(weights_of(sae) | {"x": x}, tmp_path / "weights.safetensors")
    files = {name: str(tmp_path / f"{name}.safetensors") for name in ("weights", "results")}
    peers.ask("forward", arch=arch, k=K, tensors=files["weights"], results=files["results"])
    with torch.no_grad():
        x_hat = sae(x)
    made = load_file(files["results"])
    assert len(made) == (3 if arch == "topk" else 2)
    for name, theirs in made.items():
        assert float((theirs - x_hat).abs().max()) < CLOSE * float(x_hat.abs().max()), name
