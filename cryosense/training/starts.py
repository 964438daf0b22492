"""The weights that the training of an unrolled solver starts from: drawn ones, or those of a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cryosense.data import Scaling
from cryosense.errors import UnrolledModelError
from cryosense.reconstructors.unrolled import UnrolledSolver, open_solver
from cryosense.reconstructors.unrolled.reconstructor import check_scaling, folder_of
from cryosense.reconstructors.unrolled.saved import SOLVER, WEIGHTS, folders_in
from cryosense.shown import ShowsParameters
from cryosense.training.averaged import seeded


class Start(ShowsParameters):
    """What a training starts from.

    Args:
        path: a model's folder, or a folder of several, from which the one for the operator's kind is taken; or a name of those
            that come along, as for ``reconstructor=unrolled``. None: weights are drawn.
        scaling: scaling of the images, which must be of the kind that the model was trained with unless it knows no units;
            None skips this check.

    Attributes:
        files: what was read, once ``network`` was called.
        operators: names of the operators' classes that the model was trained for; None: there is no model.
    """

    operators: tuple[str, ...] | None = None

    def __init__(self, path: str | None = None, scaling: Scaling | None = None) -> None:
        self.path, self.scaling = path, scaling
        self.files: tuple[Path, ...] = ()

    def network(self, make: Callable[[], UnrolledSolver], seed: int, kind: str) -> UnrolledSolver:
        """Return what ``make`` makes under this seed, or the model's network with its weights, all of them to be trained.

        ``kind``: names of the operators' classes, with commas between them.

        Raises:
            UnrolledModelError: a folder that is no model, a damaged one or one of another version, one of other operators, or
                one of images in another scaling.
        """
        if self.path is None:
            return seeded(make, seed)
        try:
            saved = {folder: open_solver(folder) for folder in folders_in(folder_of(self.path))}
            fitting = [folder for folder, each in saved.items() if set(kind.split(",")) <= set(each.operators)]
            folder = (fitting or list(saved))[0]
            check_scaling(saved[folder], self.scaling)
        except UnrolledModelError as error:
            said = str(error).removeprefix(f"path={self.path}: ")
            raise UnrolledModelError(f"init={self.path}: {said}") from error
        self.operators, self.files = saved[folder].operators, (folder / SOLVER, folder / WEIGHTS)
        self.check(kind)
        return saved[folder].solver.train().requires_grad_(True)

    def check(self, kind: str) -> None:
        """Raise UnrolledModelError for a model that was not trained for these kinds of operator."""
        if self.operators is not None and not set(kind.split(",")) <= set(self.operators):
            raise UnrolledModelError(
                f"init={self.path}: {self.files[0].parent} was trained for {', '.join(self.operators)}, what is to be trained "
                f"measures by {kind}: give the folder of a model for that"
            )
