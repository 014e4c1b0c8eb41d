"""Small rows of every architecture, for the tests."""

from typing import Any

from superposition.saes.base import ResamplingConfig, SaeConfig, TrainingConfig, architecture

OF_TOPK = {"k": 3, "k_aux": 2, "aux_coefficient": 1 / 32}
OWN_FIELDS: dict[str, dict[str, Any]] = {
    "l1": {"l1_coefficient": 0.01},
    "l1_april": {"l1_coefficient": 0.5, "penalty_warm_up": 0.2, "initial_norm": 0.1},
    "gated": {"l1_coefficient": 0.1, "penalty_warm_up": 0.2},
    "jumprelu": {
        "target_l0": 3.0,
        "l0_coefficient": 0.5,
        "penalty_warm_up": 0.2,
        "bandwidth": 0.2,
        "initial_threshold": 0.15,
    },
    "topk": OF_TOPK,
    "batch_topk": OF_TOPK | {"threshold_decay": 0.9},
    "matryoshka": OF_TOPK | {"threshold_decay": 0.9, "prefixes": [0.25, 0.5, 1.0]},
}


def training(**fields: Any) -> TrainingConfig:
    """A short training."""
    defaults: dict[str, Any] = {
        "n_steps": 20,
        "batch_size": 16,
        "lr": 1e-2,
        "beta2": 0.999,
        "warm_up": 0.1,
        "decay": 0.2,
        "gradient_clip": 1.0,
        "dead_window": 5,
        "log_every": 5,
    }
    return TrainingConfig(**(defaults | fields))


def resampling(**fields: Any) -> ResamplingConfig:
    """Resampling in the middle."""
    defaults: dict[str, Any] = {"kind": "loss", "at": [0.5], "n_inputs": 32, "encoder_scale": 0.2}
    return ResamplingConfig(**(defaults | fields))


def row(arch: str, **fields: Any) -> SaeConfig:
    """A row of `arch` with 12 latents."""
    defaults: dict[str, Any] = {
        "arch": arch,
        "activations": "tiny",
        "d_sae": 12,
        "seed": 0,
        "training": training(),
        "resampling": None,
    }
    return architecture(arch).Config(**(defaults | OWN_FIELDS[arch] | fields))
