"""Some particles of a run, few enough to fit in memory: measured, reconstructed, scored."""

from __future__ import annotations

import time

import torch
from torch import Tensor

from cryosense.data import scaled_like
from cryosense.reconstructors import Estimate
from cryosense.runs.devices import moved, wait_for
from cryosense.runs.rows import Value
from cryosense.tasks.reconstruct.run import Read, Run


class Portion:
    """Some particles of a run, ``read`` by it: measured, reconstructed."""

    @torch.no_grad()
    def __init__(self, run: Run, read: Read) -> None:
        rows, images, clean = read
        self.run, self.numbers = run, run.particles[rows]
        self.measurement, self.image, self.offset, self.gain = run.measured(rows, images)
        self.clean = None if clean is None else scaled_like(moved(clean, run.device), self.offset, self.gain)
        began = time.perf_counter()
        self.estimate: Estimate = run.reconstructor(self.measurement)
        wait_for(run.device)
        self.seconds = (time.perf_counter() - began) / len(self.numbers)

    def __repr__(self) -> str:
        return f"Portion(particles {self.numbers.tolist()[:1]} to {self.numbers.tolist()[-1:]})"

    def in_stack_units(self) -> dict[str, Tensor]:
        """Return what is written of these particles, (b, 1, n, n) by name, in the units of the stack."""
        run, made = self.run, self.estimate
        images = {"particles": run.scaling.invert(made.x, self.offset, self.gain)} if run.write_images else {}
        if run.write_images and made.deviation is not None:
            images["deviation"] = made.deviation * self.gain.reshape(-1, 1, 1, 1)
        if run.write_samples and made.samples is not None:
            for number, sample in enumerate(made.samples):
                images[f"sample_{number:03d}"] = run.scaling.invert(sample, self.offset, self.gain)
        return {name: image.cpu() for name, image in images.items()}

    def rows(self) -> dict[str, Value]:
        """Return the columns of these particles' rows."""
        run, x, each = self.run, self.estimate.x, self.gain.new_ones(len(self.numbers), dtype=torch.float64)
        y, operator = self.measurement.y, self.measurement.operator
        residual = (operator(x) - y).square()
        return {
            **run.describe(),
            "particle": self.numbers,
            "compression_dof": operator.compression_dof * each,
            "bits_per_image": self.measurement.bits,
            "bytes_per_particle": run.bytes_per_particle,
            "iterations": self.estimate.iterations,
            "gap": self.estimate.gap,
            "nfe": self.estimate.network_evaluations,
            "seconds": self.seconds,
            "measurement_mse": residual.flatten(1).sum(1) / operator.numbers_measured,
            **({} if self.image is None else run.scores(x, self.image, self.numbers)),
            **({} if self.clean is None else run.scores.against_clean(x, self.clean, self.numbers)),
        }
