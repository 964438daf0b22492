"""Unrolled solvers as folders: ``model.safetensors``, ``solver.json`` (what it is), ``cryosense.json`` (what it saw).

Nothing in a folder is executed: weights are safetensors, and only the solvers and bases named here are made.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save

from cryosense.denoisers.pipelines import FACTS
from cryosense.errors import ArgumentError, UnrolledModelError
from cryosense.files.limits import read_json
from cryosense.files.untrusted import UntrustedFileError
from cryosense.reconstructors.unrolled.bands import DCTBands, WaveletBands
from cryosense.reconstructors.unrolled.network import UnrolledNetwork
from cryosense.reconstructors.unrolled.proximal import UnrolledADMM, UnrolledFISTA
from cryosense.reconstructors.unrolled.solver import UnrolledSolver
from cryosense.reconstructors.unrolled.told import ToldNetwork, ToldSolver
from cryosense.reconstructors.unrolled.unet import ToldUNet

WEIGHTS, SOLVER = "model.safetensors", "solver.json"
LEAST_BYTES = 2  # of a number: weights may be kept in half precision
MOST_HALVINGS = 60  # of an image: 4 to that power is more than any file holds
_SOLVERS: tuple[type[UnrolledSolver], ...] = (UnrolledADMM, UnrolledFISTA, UnrolledNetwork, ToldNetwork, ToldUNet)
KINDS = {kind.__name__: kind for kind in _SOLVERS}
BASES = {kind.__name__: kind for kind in (DCTBands, WaveletBands)}


@dataclass(frozen=True)
class SavedSolver:
    """A solver and what it was trained on.

    Attributes:
        solver: the solver with its weights.
        operators: names of the operators' classes.
        loss: name of the loss.
        scaling: scaling of the training images, as ``Scaling.describe`` states it.
        ctf: whether it was told their CTFs.
    """

    solver: UnrolledSolver
    operators: tuple[str, ...]
    loss: str
    scaling: dict[str, Any]
    ctf: bool = False


def save_solver(folder: Path, solver: UnrolledSolver, operator: str, loss: str, *, ctf: bool = False) -> None:
    """Write weights and description; the caller writes ``cryosense.json``, the facts of the training images, beside them.

    ``operator``: name of the operators' class, or names with commas between them.
    """
    folder.mkdir(parents=True)
    (folder / WEIGHTS).write_bytes(save({name: tensor.contiguous() for name, tensor in solver.state_dict().items()}))
    arguments = dict(solver.arguments)
    if "basis" in arguments:
        arguments["basis"] = {"kind": type(arguments["basis"]).__name__, **vars(arguments["basis"])}
    description: dict[str, Any] = {"kind": type(solver).__name__, "arguments": arguments, "operator": operator, "loss": loss}
    description |= {"ctf": True} if ctf else {}
    (folder / SOLVER).write_text(json.dumps(description, indent=1) + "\n")


def tells_ctf(folder: Path) -> bool:
    """Return whether a folder's solver was told CTFs, by its description alone. Raises UnrolledModelError without one."""
    description = _read(folder, SOLVER)
    kind = KINDS.get(str(description.get("kind")))
    return bool(description.get("ctf", False)) and kind is not None and issubclass(kind, ToldSolver)


def folders_in(path: Path) -> list[Path]:
    """Return the folder of a model, or those of several models in a folder. Raises UnrolledModelError if there is none."""
    folders = [path] if (path / SOLVER).is_file() else sorted(p.parent for p in path.glob(f"*/{SOLVER}"))
    if not folders:
        raise UnrolledModelError(f"path={path}: no {SOLVER} there: give the folder of a model that cryosense train wrote")
    return folders


def open_solver(folder: Path) -> SavedSolver:
    """Return what ``save_solver`` wrote.

    Raises:
        UnrolledModelError: no such folder, a description of something else, or weights that are damaged or do not belong to
            it.
    """
    description, facts = (_read(folder, name) for name in (SOLVER, FACTS))
    try:
        arguments = dict(description["arguments"])
        _check_claims(arguments, folder / WEIGHTS)
        if "basis" in arguments:
            basis = dict(arguments["basis"])
            arguments["basis"] = BASES[basis.pop("kind")](**basis)
        solver = KINDS[description["kind"]](**arguments)
        operators = tuple(str(description["operator"]).split(","))
        loss, scaling = str(description["loss"]), dict(facts["scaling"])
        ctf = bool(description.get("ctf", False)) and isinstance(solver, ToldSolver)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UnrolledModelError(
            f"path={folder}: {SOLVER} or {FACTS} does not describe an unrolled solver of this version "
            f"({type(error).__name__}: {error}): train it again"
        ) from error
    try:
        solver.load_state_dict(load_file(folder / WEIGHTS))
    except (OSError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().split("\n")[0][:200]
        raise UnrolledModelError(
            f"path={folder}: {WEIGHTS} cannot be read or belongs to another solver: copy or train it again ({reason})"
        ) from error
    return SavedSolver(solver.eval().requires_grad_(False), operators, loss, scaling, ctf)


def _read(folder: Path, name: str) -> dict[str, Any]:
    try:
        return read_json(folder / name)
    except UntrustedFileError as error:
        raise UnrolledModelError(
            f"path={folder}: {name} is missing or damaged; the folder that cryosense train writes is needed ({error})"
        ) from error


def _check_claims(arguments: dict[str, Any], weights: Path) -> None:
    """Refuse a description that asks for more numbers than its weights hold, before the memory for them is taken."""
    bands = dict(arguments.get("basis", {})).get("count", 1)
    halvings = min(int(arguments.get("levels", 1)) - 1, MOST_HALVINGS)
    widths = int(arguments.get("channels", 1)) ** 2 * int(bands) * 4**halvings, int(arguments.get("hidden", 1)) ** 2
    if weights.is_file() and LEAST_BYTES * int(arguments["iterations"]) * max(widths) > weights.stat().st_size:
        raise ArgumentError(f"more numbers than {WEIGHTS} holds")
