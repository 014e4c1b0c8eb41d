"""Claims of "Towards Monosemanticity" on automata, and on why neurons stay polysemantic."""

import numpy as np
import pandas as pd

from superposition import intervals
from superposition.artefacts import NotTrained
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import SEED, graded
from superposition.claims.measures_relations import count
from superposition.features import exclusive
from superposition.features.membership import PLANTED
from superposition.results import Results
from superposition.values import between, fmt

PAPER = "Towards Monosemanticity"
ROWS = ("sae.batch-topk",)
FSA = "Phenomenology, Finite state automata"
SNAKE = "SCREAMING_SNAKE"
ABOVE = 0.95
"""Share of the null that a transition has to exceed."""


@claim(
    "b56-fsa-self",
    paper=PAPER,
    source=FSA,
    published="a single node that excites itself: base64 (A/0)",
    expected="For base64, hexadecimal and DNA alike, the latent that detects the context best is "
    "followed by itself, on the tokens that it predicts, more often than by 95% of the other "
    "latents. Partly: for at least one of them.",
    quantity="how often the base64 latent is active again after a token that it predicted",
    figure="splitting.html#fig-states",
    rows=ROWS,
)
def self_exciting(r: Results) -> Verdict:
    """The base64 latent raises the tokens that activate it again: an automaton of one state."""
    found = _of_planted(r)
    good = count(found["self_rank"] > ABOVE)
    each = (
        f"{_short(row['context'])} {fmt(row['self_weight'], '%')}, above "
        f"{fmt(row['self_rank'], '%')} of the others"
        for row in found.to_dict("records")
    )
    base64 = found.loc[found["context"] == PLANTED[0], "self_weight"]
    return Verdict(
        measured=float(base64.iloc[0]) if len(base64) else None,
        holds=graded(good == len(PLANTED), good > 0),
        detail=f"{'; '.join(each)}.",
    )


@claim(
    "b56-fsa-cycle",
    paper=PAPER,
    source=FSA,
    published="two nodes that excite each other in turn: names in capitals with underscores (A/0)",
    expected="Among the latents of names such as MAX_SIZE there is one whose best cycle of two, as "
    "the smaller of both transitions, exceeds 95% of permutations of the targets, and weighs 10% "
    "or more. Partly: a latent of another context has one.",
    quantity="weight of the best cycle of two among latents of names in capitals",
    figure="splitting.html#fig-states",
    rows=ROWS,
)
def cycle_of_two(r: Results) -> Verdict:
    """Names in capitals have an automaton of two states: one latent predicts what activates the
    other, and the other way round."""
    table = r.automata.states
    inside = table.loc[table["context"] != ""]
    if not len(inside):
        raise NotTrained("no latent of any context that predicts often enough")
    good = (inside["cycle_rank"] > ABOVE) & (inside["cycle_weight"] >= 0.1)
    of_names = inside["context"] == SNAKE
    weight = float(inside.loc[of_names, "cycle_weight"].max()) if of_names.any() else 0.0
    contexts = sorted(set(inside.loc[good, "context"]))
    return Verdict(
        measured=weight,
        holds=graded(bool((good & of_names).any()), bool(good.any())),
        detail=f"{fmt(int(of_names.sum()))} latents of such names; {fmt(int(good.sum()))} latents "
        f"of {fmt(len(contexts))} contexts have a cycle like that. Here a name's underscore is "
        "often one token with the letters after it, so that one state may be enough.",
    )


@claim(
    "b56-fsa-loops",
    paper=PAPER,
    source=f"{FSA}; pinning of single features",
    published="text sampled with a feature pinned is of its kind (figures); an automaton goes on "
    "by itself",
    expected="After the latent of a planted context was pinned for some tokens and let go, it is "
    "active on a larger share of the tokens sampled by the model alone than without pinning, with "
    "a 95% interval of the difference over prompts above 0, for all three contexts. Partly: for at "
    "least one.",
    quantity="share of released tokens on which the base64 latent is active, minus without pinning",
    figure="splitting.html#fig-loops",
    rows=ROWS,
)
def loops(r: Results) -> Verdict:
    """A latent that excites itself keeps going: pinned for a while and then let go, it stays active
    in the text that the model writes."""
    table = r.automata.samples
    if not len(table):
        raise NotTrained("no latent that detects a planted context")
    found = {context: _kept(rows) for context, rows in table.groupby("context", sort=False)}
    good = sum(low > 0 for _, (low, _) in found.values())
    each = (
        f"{_short(str(context))} {fmt(gap)} ({between(*interval)})"
        for context, (gap, interval) in found.items()
    )
    base64 = found.get(PLANTED[0])
    return Verdict(
        measured=base64[0] if base64 else None,
        interval=base64[1] if base64 else None,
        holds=graded(good == len(PLANTED), good > 0),
        detail=f"Differences of shares: {'; '.join(each)}.",
    )


@claim(
    "b57-nosup-polysemantic",
    paper=PAPER,
    source="Why not use architectural approaches?",
    published="with one binary neuron and four exclusive features, a cross-entropy of about 0.8 "
    "(one feature) against about 0.7 (two features)",
    expected="(3/4) ln 3 = 0.824 and ln 2 = 0.693 to three digits; gradient descent on the readout "
    "ends within 0.002 of each; two features give the lowest loss of all five choices.",
    quantity="loss of a neuron for one feature minus that of one for two (nats)",
    figure="splitting.html#sec-exclusive",
)
def polysemantic_without_superposition(r: Results) -> Verdict:
    """Even without superposition, cross-entropy prefers a polysemantic neuron: one that is active
    on two of four exclusive features has a lower loss than one for a single feature."""
    found = [exclusive.optimum(n, seed=SEED) for n in range(exclusive.N_FEATURES + 1)]
    one, two = found[1].closed_form, found[2].closed_form
    printed = round(one, 3) == 0.824 and round(two, 3) == 0.693
    reached = all(abs(each.optimised - each.closed_form) < 0.002 for each in found)
    lowest = min(found, key=lambda each: each.optimised).n_active == 2
    return Verdict(
        measured=one - two,
        holds=graded(printed and reached and lowest, printed),
        detail=f"Closed forms {fmt(one)} and {fmt(two)} nats; trained readouts "
        f"{fmt(found[1].optimised)} and {fmt(found[2].optimised)}.",
    )


def _of_planted(r: Results) -> pd.DataFrame:
    """The state of the best latent of every planted context, as far as it predicts often enough."""
    best = r.automata.contexts.loc[r.automata.contexts["context"].isin(PLANTED)]
    states = r.automata.states.drop(columns="context")
    found = best.merge(states, on="latent")
    if not len(found):
        raise NotTrained("no latent of a planted context that predicts often enough")
    return found


def _kept(rows: pd.DataFrame) -> tuple[float, tuple[float, float]]:
    """How much larger the share of active tokens is after pinning; prompt by prompt."""
    share = rows.assign(share=rows["n_active"] / rows["n_tokens"])
    arms = share.pivot(index="prompt", columns="arm", values="share")
    gap = (arms["pinned"] - arms["free"]).to_numpy(dtype=np.float64)
    return float(gap.mean()), intervals.mean(gap, seed=SEED)


def _short(context: str) -> str:
    return context.removeprefix("planted ")
