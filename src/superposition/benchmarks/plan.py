"""What the benchmark of autoencoders measures: on a processor, on a GPU, in a test."""

from dataclasses import dataclass, replace

from superposition.benchmarks.stream import Case

ARCHITECTURES = ("topk", "batch_topk", "l1", "gated", "jumprelu")
"""The architectures that peers have, too."""
WIDE_ARCHITECTURES = ("topk", "batch_topk", "l1")
"""Those of them that are timed at the widest dictionaries, where a step takes seconds."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is measured."""

    device: str = "cpu"
    """Where everyone trains, as torch calls it."""
    archs: tuple[str, ...] = ARCHITECTURES
    """Modules of superposition.saes, some of `ARCHITECTURES`."""
    widths: tuple[int, ...] = (1024, 4096, 16384, 65536)
    """d_sae."""
    wide: int = 65536
    """d_sae from which on there are `WIDE_ARCHITECTURES` alone, and `wide_rounds`."""
    d_in: int = 512
    """Dimensions of an input; 512 in Towards Monosemanticity."""
    batch_size: int = 4096
    """Inputs in a step."""
    most: int = 2**26
    """Pre-activations in a step, at most: dictionaries so wide that it matters see fewer inputs."""
    batch_sizes: tuple[int, ...] = (256, 1024)
    """Further numbers of inputs in a step, for TopK at `batch_width`."""
    batch_width: int = 4096
    """d_sae of these."""
    k: int = 32
    """Active latents per input."""
    rounds: int = 5
    """Turns of every contender at every case."""
    wide_rounds: int = 3
    """The same from `wide` on."""
    steps_per_turn: int = 1
    """Steps in a turn; their median counts, on a GPU their mean."""
    quality_steps: int = 200
    """Steps of the runs whose quality is compared."""
    quality_batch_size: int = 512
    """Inputs in a step of these."""
    quality_width: int = 1024
    """d_sae of these."""
    quality_seeds: int = 3
    """Of these runs, for ours and the plain step; peers have one."""
    n_threads: int = 2
    """Threads of every contender."""
    seed: int = 0
    """Of inputs and first weights."""

    def __post_init__(self) -> None:
        """Only what everyone knows can be compared."""
        if unknown := [arch for arch in self.archs if arch not in ARCHITECTURES]:
            raise ValueError(f"archs={unknown}; allowed: {', '.join(ARCHITECTURES)}")

    def cases(self) -> list[Case]:
        """Every architecture at every width, and TopK at further batch sizes."""
        by_width = [
            self._case(arch, width, min(self.batch_size, self.most // width))
            for width in self.widths
            for arch in self.archs
            if width < self.wide or arch in WIDE_ARCHITECTURES
        ]
        sizes = self.batch_sizes if "topk" in self.archs else ()
        return by_width + [self._case("topk", self.batch_width, size) for size in sizes]

    def rounds_of(self, case: Case) -> int:
        """How many turns every contender has at `case`."""
        return self.rounds if case.d_sae < self.wide else self.wide_rounds

    def quality(self) -> list[Case]:
        """The architectures with a given L0, trained for a while, by several seeds."""
        return [
            Case(
                arch=arch,
                d_in=self.d_in,
                d_sae=self.quality_width,
                batch_size=self.quality_batch_size,
                k=self.k,
                n_steps=self.quality_steps,
                lr=1e-3,
                seed=self.seed + i,
                device=self.device,
            )
            for arch in ("topk", "batch_topk")
            if arch in self.archs
            for i in range(self.quality_seeds)
        ]

    def _case(self, arch: str, width: int, batch_size: int) -> Case:
        return Case(
            arch=arch,
            d_in=self.d_in,
            d_sae=width,
            batch_size=batch_size,
            k=self.k,
            n_steps=1_000_000,
            lr=1e-6,
            seed=self.seed,
            device=self.device,
        )


ON_GPU = Plan(
    device="cuda",
    widths=(4096, 16384, 65536),
    batch_size=8192,
    most=2**30,
    batch_sizes=(1024, 4096),
    rounds=3,
    steps_per_turn=20,
)
"""Larger batches, and turns of several steps: a GPU is asked for them without waiting."""
QUICK = Plan(
    widths=(64,),
    d_in=16,
    batch_size=64,
    batch_sizes=(32,),
    batch_width=64,
    k=4,
    rounds=2,
    steps_per_turn=1,
    quality_steps=3,
    quality_batch_size=64,
    quality_width=32,
    quality_seeds=2,
    n_threads=1,
)
"""A plan for tests: seconds."""


def plan_for(device: str, *, quick: bool = False) -> Plan:
    """The plan for a device."""
    if quick:
        return replace(QUICK, device=device)
    return replace(ON_GPU, device=device) if device.startswith("cuda") else Plan(device=device)
