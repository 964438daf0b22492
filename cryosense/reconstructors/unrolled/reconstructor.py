"""A trained unrolled solver among the bench's methods."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cryosense.data import Scaling
from cryosense.measurement import Measurement
from cryosense.operators import LinearOperator
from cryosense.reconstructors.base import Estimate, Reconstructor
from cryosense.reconstructors.unrolled.gains import SampleShare, SpectralGain
from cryosense.reconstructors.unrolled.network import LearnedShrinkage
from cryosense.reconstructors.unrolled.saved import SavedSolver, UnrolledModelError, folders_in, open_solver, tells_ctf
from cryosense.reconstructors.unrolled.told import Told, ToldSolver
from cryosense.reconstructors.unrolled.unet import ConditionedUNet

SHIPPED = Path(__file__).parent / "shipped"
COMES_ALONG = "shipped:"  # before the name of one of those
MANY, MANY_IN_SHORT = f"{COMES_ALONG}many_molecules", "shipped"
NETWORKS = (ConditionedUNet, LearnedShrinkage, SampleShare, SpectralGain)
OF_THE_STACK = {"mean", "deviation"}  # what a scaling learned from data, as opposed to what it is


class Unrolled(Reconstructor):
    """Reconstruction by an unrolled solver (``cryosense.reconstructors.unrolled``) trained by ``cryosense train``.

    It accepts any mask family, compression and box of the kinds of operator that it was trained for; how well it does beyond
    what it saw is another question. One that was told the CTFs of its training images is told those of a measurement.

    Args:
        path: a model's folder, or a folder of several, from which the one for the operator's kind is taken; or a name of those
            that come with cryosense, ``shipped:many_molecules`` (or ``shipped``, or None) or ``shipped:one_molecule``.
        scaling: scaling of the images, which must be of the kind the model was trained with unless it knows no units; None
            skips this check.

    Raises:
        UnrolledModelError: a folder that is not a model, or a model of images in another scaling.
    """

    name = "unrolled"
    knows_ctf = True

    def __init__(self, path: str | None = None, scaling: Scaling | None = None) -> None:
        super().__init__()
        self.path = folder_of(path)
        self.saved = {kind: saved for saved in map(open_solver, folders_in(self.path)) for kind in saved.operators}
        for saved in self.saved.values():
            try:
                check_scaling(saved, scaling)
            except UnrolledModelError as error:
                raise UnrolledModelError(f"path={self.path}: {error}") from error
        self.knows_ctf = any(saved.ctf for saved in self.saved.values())
        self.solvers = nn.ModuleDict({operator: saved.solver for operator, saved in self.saved.items()})
        self.prior = ", ".join(sorted({f"{saved.solver.name} {saved.loss}" for saved in self.saved.values()}))

    @classmethod
    def knows_ctf_with(cls, settings: Mapping[str, Any]) -> bool:
        return any(map(tells_ctf, folders_in(folder_of(settings.get("path")))))

    def extra_repr(self) -> str:
        return f"path={self.path}"

    def networks(self) -> list[nn.Module]:
        return [each for each in self.solvers.modules() if isinstance(each, NETWORKS)]

    def prepare(self, operator: LinearOperator) -> None:
        self._for(operator).solver.prepare(operator.box_size)

    @torch.no_grad()
    def forward(self, measurement: Measurement) -> Estimate:
        y, operator = measurement.y, measurement.operator
        saved = self._for(operator)
        solver = saved.solver
        if saved.ctf and isinstance(solver, ToldSolver):
            x = solver.reconstruct(y, operator, Told(ctf=measurement.ctf))
        else:
            x = solver.reconstruct(y, operator)
        return Estimate(x, iterations=torch.full((len(x),), solver.iterations))

    def _for(self, operator: LinearOperator) -> SavedSolver:
        kind = type(operator).__name__
        if kind not in self.saved:
            raise UnrolledModelError(
                f"path={self.path}: trained for {', '.join(self.saved)}, the operator is {kind}: train one for "
                "it (cryosense train operator=...)"
            )
        return self.saved[kind]


def check_scaling(saved: SavedSolver, scaling: Scaling | None) -> None:
    """Raise UnrolledModelError for a model that knows units and was trained with another kind of scaling; None is any."""
    if scaling is None or saved.solver.scale_free:
        return
    theirs, ours = ({k: v for k, v in s.items() if k not in OF_THE_STACK} for s in (saved.scaling, scaling.describe()))
    if theirs != ours:
        raise UnrolledModelError(
            f"trained on images scaled by {theirs}, these are scaled by {ours}: "
            "set scaling as it was in training, or train a model with this one"
        )


def folder_of(path: str | None) -> Path:
    """Return the folder of a path, or of what comes along by the name; None or ``shipped`` is that of many molecules.

    Raises:
        UnrolledModelError: a name that does not come along.
    """
    wanted = MANY if path is None or path == MANY_IN_SHORT else path
    if not wanted.startswith(COMES_ALONG):
        return Path(wanted)
    known = {f"{COMES_ALONG}{each.name}": each for each in sorted(SHIPPED.iterdir()) if each.is_dir()}
    if wanted not in known:
        raise UnrolledModelError(f"path={path}: there are {', '.join(known)}; or give the folder of a model")
    return known[wanted]
