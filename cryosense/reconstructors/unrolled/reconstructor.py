"""A trained unrolled solver among the bench's methods."""

from __future__ import annotations

from pathlib import Path

import torch

from cryosense.data import Scaling
from cryosense.measurement import Measurement
from cryosense.operators import LinearOperator
from cryosense.reconstructors.base import Estimate, Reconstructor
from cryosense.reconstructors.unrolled.saved import SOLVER, SavedSolver, UnrolledModelError, open_solver
from cryosense.reconstructors.unrolled.told import Told, ToldNetwork

SHIPPED = Path(__file__).parent / "shipped"
OF_THE_STACK = {"mean", "deviation"}  # what a scaling learned from data, as opposed to what it is


class Unrolled(Reconstructor):
    """Reconstruction by an unrolled solver (``cryosense.reconstructors.unrolled``) trained by ``cryosense train``.

    It accepts any mask family, compression and box of the kind of operator that it was trained for; how well it does beyond
    what it saw is another question. One that was told the CTFs of its training images is told those of a measurement.

    Args:
        path: a model's folder, or a folder of several, from which the one for the operator's kind is taken; None for those
            shipped with cryosense, trained on its simulated particles.
        scaling: scaling of the images, which must be of the kind the model was trained with; None skips this check.

    Raises:
        UnrolledModelError: a folder that is not a model, or a model of images in another scaling.
    """

    name = "unrolled"
    knows_ctf = True

    def __init__(self, path: str | None = None, scaling: Scaling | None = None) -> None:
        super().__init__()
        self.path = SHIPPED if path is None else Path(path)
        folders = [self.path] if (self.path / SOLVER).is_file() else sorted(p.parent for p in self.path.glob(f"*/{SOLVER}"))
        if not folders:
            raise UnrolledModelError(
                f"path={self.path}: no {SOLVER} there: give the folder of a model that cryosense train wrote"
            )
        self.saved = {saved.operator: saved for saved in map(open_solver, folders)}
        for saved in self.saved.values():
            if scaling is not None:
                self._check(saved, scaling)
        self.knows_ctf = any(saved.ctf for saved in self.saved.values())
        self.solvers = torch.nn.ModuleDict({operator: saved.solver for operator, saved in self.saved.items()})
        self.prior = ", ".join(sorted({f"{saved.solver.name} {saved.loss}" for saved in self.saved.values()}))

    def extra_repr(self) -> str:
        return f"path={self.path}"

    def _check(self, saved: SavedSolver, scaling: Scaling) -> None:
        theirs, ours = ({k: v for k, v in s.items() if k not in OF_THE_STACK} for s in (saved.scaling, scaling.describe()))
        if theirs != ours:
            raise UnrolledModelError(
                f"path={self.path}: trained on images scaled by {theirs}, these are scaled by {ours}: "
                "set scaling as it was in training, or train a model with this one"
            )

    def prepare(self, operator: LinearOperator) -> None:
        self._for(operator).solver.prepare(operator.box_size)

    @torch.no_grad()
    def forward(self, measurement: Measurement) -> Estimate:
        y, operator = measurement.y, measurement.operator
        saved = self._for(operator)
        solver = saved.solver
        if saved.ctf and isinstance(solver, ToldNetwork):
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
