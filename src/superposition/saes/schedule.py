"""When in a training what happens: the learning rate of each step, and resampling."""

from superposition.saes.base import SaeConfig, TrainingConfig


def epochs(training: TrainingConfig, n_rows: int) -> float:
    """How often a training reads a cache of `n_rows` activations."""
    return training.n_steps * training.batch_size / n_rows


def peak_lr(config: SaeConfig) -> float:
    """The row's learning rate, or the one for its width if the row leaves it open."""
    lr = config.training.lr
    return 2e-4 * (config.d_sae / 2**14) ** -0.5 if lr is None else lr


def learning_rate(config: SaeConfig, step: int) -> float:
    """The learning rate of `step`: a linear rise, the peak, a linear fall to 0."""
    training = config.training
    rise, fall = training.warm_up * training.n_steps, training.decay * training.n_steps
    up = (step + 1) / rise if step + 1 < rise else 1.0
    left = training.n_steps - step
    down = left / fall if left < fall else 1.0
    return peak_lr(config) * up * down


def resampling_steps(config: SaeConfig) -> set[int]:
    """After how many steps dead latents are resampled."""
    if config.resampling is None:
        return set()
    return {round(share * config.training.n_steps) for share in config.resampling.at}
