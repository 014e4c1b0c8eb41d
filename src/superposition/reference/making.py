"""A reference run made from what the stages left behind, and one that is taken in from elsewhere.

Nothing in it is typed or chosen by hand: results are copied as the stages wrote them, weights are
rounded to bfloat16, and the same results give the same bytes.
"""

import json
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from superposition.claims.core import judge_all
from superposition.core.params import Params
from superposition.core.store import Store, whole
from superposition.preflight import size_of
from superposition.reference import comparison, files, machine
from superposition.reference.files import NoReferenceError, Reference
from superposition.results import Results

LARGEST = 150_000
"""Bytes of a table that is still copied; larger ones are named as left out."""
BUDGET = 20_000_000
"""Bytes of one scale; two of them keep git below 40 MB."""
RESERVE = 400_000
"""Of these, for verdicts, facts, parameters and checksums."""
MODELS = ("tokens/tokenizer.json", "transformer/main/transformer.json")
MODELS += ("transformer/main/transformer.safetensors",)
MODELS += ("sae/batch-topk/cfg.json", "sae/batch-topk/weights.safetensors")
"""The models that others may want to start from, with what is needed to use them."""


def make(root: Path, scale: str, *, partial: bool = False, replace: bool = False) -> Reference:
    """Write data/reference/<scale> from the run of `scale` under `root`.

    Of a `partial` run, what ran is taken and judged here, as far as it can be; otherwise every
    stage must have run. Only with `replace` may the reference run that is there lose stages.
    """
    params = Params.read(scale, root=root)
    own = files.own_store(root, scale)
    source = own.root / "data" / scale
    names = _results(own, params, partial=partial)
    reference = Reference(scale, root)
    _check_kept(reference, costs(own), replace=replace)
    with whole(reference.folder) as folder:
        folder.mkdir()
        copy_models(source, MODELS, folder)
        left_out = copy_results(source, names, folder)
        if partial:  # the run itself has no verdicts until its last stage made them
            records = judge_all(Results(params=params, store=own), partial=True)
            write_json(folder / "claims.json", [record.as_json() for record in records])
        facts = machine.describe(root) | {
            "scale": scale,
            "partial": partial,
            "seeds": seeds(params.tree),
            "costs": costs(own),
            "left_out": left_out,
        }
        write_json(folder / files.FACTS, facts)
        write_json(folder / files.PARAMS, params.tree)
        seal(folder, scale)
    return Reference(scale, root)


def take_in(root: Path, scale: str, given: Path, *, replace: bool = False) -> Reference:
    """Put a reference run made on another machine, `given`, in its place here.

    `given` is its folder, or the tree of the repository in which it was made. Only with `replace`
    may the reference run that is there lose stages.
    """
    inside = given / "data" / files.FOLDER / scale
    found = inside if inside.exists() else given
    if not (found / files.SUMS).exists():
        raise NoReferenceError(
            f"no {files.SUMS} in {found}: make it there with `make reference SCALE={scale}`"
        )
    target = Reference(scale, root)
    with whole(target.folder) as folder:
        shutil.copytree(found, folder)
        facts = _check_given(folder, scale, given=found)
        _check_kept(target, machine.stages(facts), replace=replace)
    return Reference(scale, root)


def seeds(tree: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Every seed in the parameters, by its name with dots."""
    found = {}
    for key, value in tree.items():
        if key in ("seed", "seeds", "n_seeds"):
            found[f"{before}{key}"] = value
        elif isinstance(value, dict):
            found |= seeds(value, f"{before}{key}.")
    return found


def costs(store: Store) -> dict[str, dict[str, float]]:
    """Wall time in seconds and peak memory in bytes of every stage, as it noted them itself."""
    found = {}
    for path in sorted(store.path("costs").glob("*.json")):
        cost = store.load_json("costs", path.name)
        found[path.stem] = {"seconds": cost["seconds"], "peak_bytes": cost["peak_bytes"]}
    return found


def copy_results(source: Path, names: list[str], folder: Path) -> list[str]:
    """Copy the results `names`; tables left out, as too large or for want of room, are given back.

    What is in `folder` already takes its share of the room. The smallest tables come first.
    """
    sizes = {name: (source / name).stat().st_size for name in names}
    tables = [name for name in names if not name.endswith(".json")]
    others = {*names} - {*tables, "claims.json"}
    room = BUDGET - RESERVE - size_of(folder) - sum(sizes[name] for name in others)
    left_out = set()
    for name in sorted(tables, key=lambda name: (sizes[name], name)):
        if sizes[name] > min(LARGEST, room):
            left_out.add(name)
        else:
            room -= sizes[name]
    for name in sorted({*names} - left_out):
        shutil.copyfile(source / name, _place(folder, name))
    return sorted(left_out)


def copy_models(source: Path, names: Iterable[str], folder: Path) -> None:
    """Copy those of `names` that are there, with weights rounded to bfloat16."""
    for name in names:
        if not (source / name).exists():
            continue
        if name.endswith(".safetensors"):
            _round(source / name, _place(folder, name))
        else:
            shutil.copyfile(source / name, _place(folder, name))


def write_json(path: Path, values: Any) -> None:
    """Write `values` so that the same ones give the same bytes."""
    path.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def seal(folder: Path, scale: str) -> None:
    """Write the checksums of all that is in `folder`, unless it is too large for Git."""
    (folder / files.SUMS).write_text(files.checksums(folder), encoding="utf-8")
    _check_size(folder, scale)


def _results(own: Store, params: Params, *, partial: bool) -> list[str]:
    """The results of the stages that ran: metrics of others came with the repository."""
    names, ran = files.results(own, params), costs(own)
    kept = [name for name in names if comparison.title_of(name) in ran]
    foreign = sorted({comparison.title_of(name) for name in names} - {*ran})
    if not kept:
        raise NoReferenceError(
            f"no stage ran in {own.path('costs').parent}: run `make reproduce SCALE={own.scale}`"
        )
    if not partial and (foreign or "claims.json" not in kept):
        lacking = ", ".join(foreign[:3]) or "claims"
        raise NoReferenceError(
            f"{lacking} did not run here, so this is no whole run: run `make reproduce "
            f"SCALE={own.scale}`, or take what ran with --partial"
        )
    return kept


def _check_kept(reference: Reference, titles: Collection[str], *, replace: bool) -> None:
    """Refuse to lose what the present reference run has beyond `titles`, unless told to."""
    lost = [] if replace else sorted(machine.stages(reference.facts()) - {*titles})
    if lost:
        raise NoReferenceError(
            f"the reference run in {reference.folder} has {len(lost)} stages that this one lacks "
            f"({', '.join(lost[:3])}): keep them with --add, or say --replace"
        )


def _place(folder: Path, name: str) -> Path:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    return folder / name


def _round(source: Path, target: Path) -> None:
    rounded = {
        name: tensor.to(torch.bfloat16) if tensor.is_floating_point() else tensor
        for name, tensor in load_file(source).items()
    }
    save_file(rounded, target)


def _check_size(folder: Path, scale: str) -> None:
    sizes = {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    if sum(sizes.values()) > BUDGET:
        largest = sorted(sizes, key=lambda path: -sizes[path])[:3]
        names = ", ".join(f"{path.relative_to(folder)} ({sizes[path]:,})" for path in largest)
        raise NoReferenceError(
            f"the reference run of {scale} has {sum(sizes.values()):,} bytes; allowed: {BUDGET:,}; "
            f"largest: {names}"
        )


def _check_given(folder: Path, scale: str, *, given: Path) -> dict[str, Any]:
    """Refuse a copy that is not whole, or of another scale; its facts."""
    wanted, have = files.read_sums(folder), files.digests(folder)
    if have != wanted:
        wrong = [name for name in wanted if have.get(name) != wanted[name]]
        names = ", ".join(wrong[:3]) or "files beyond the list"
        raise NoReferenceError(f"{given} is not as it was made: {names}; copy it again")
    facts = json.loads((folder / files.FACTS).read_text("utf-8"))
    if facts["scale"] != scale:
        raise NoReferenceError(f"{given} is a run of the scale {facts['scale']}, not {scale}")
    return facts
