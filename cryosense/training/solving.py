"""What a solver makes of a batch, told what the batch holds."""

from __future__ import annotations

from torch import Tensor

from cryosense.operators import LinearOperator
from cryosense.reconstructors.unrolled import Told, ToldSolver, UnrolledSolver
from cryosense.training.batches import Batch
from cryosense.training.operators import DrawnMeasurement


def reconstruction(solver: UnrolledSolver, batch: Batch, drawn: DrawnMeasurement) -> Tensor:
    """Return what a solver makes, (b, 1, n, n), of the whole measurement of a batch."""
    measurement = drawn.measure(batch.images)
    return solved(solver, measurement.y, measurement.operator, batch)


def solved(solver: UnrolledSolver, y: Tensor, operator: LinearOperator, batch: Batch) -> Tensor:
    """Return images (b, 1, n, n) by a solver that is told the CTFs that the batch holds."""
    if batch.ctf is None or not isinstance(solver, ToldSolver):
        return solver(y, operator)
    return solver(y, operator, Told(ctf=batch.ctf))
