"""A control without networks: particles along the linear modes of the map that their images vary most in.

With known poses R, CTFs c and spectra F, ``F = c R (V_0 + z V_1) + noise``: V_0 by back-projection, then V_1 by
back-projecting the residuals with z c in the place of the CTF, and z by least squares given V_1, in turn (the alternating form
of the principal components of Tagare et al. 2015, as in 3D variability analysis). Further modes from what is left.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cryosense import fourier
from cryosense.data import ParticleStack
from cryosense.seeding import generator
from cryosense.tasks.maps.alignments import Alignments
from cryosense.volumes.backproject import SliceAccumulator, Slices
from cryosense.volumes.poses import origin_phases
from cryosense.volumes.project import Projector

PAD_FACTOR = 2
REGULARISATION = 1e-2


class LinearModes:
    """Particles of one stack: spectra, CTFs and rotations, up to ``last_shell``, all in memory."""

    def __init__(self, star: Path | ParticleStack, last_shell: int) -> None:
        stack = star if isinstance(star, ParticleStack) else ParticleStack.open(star)
        known = Alignments.of(stack, with_ctf=True)
        everyone = torch.arange(len(stack))
        self.box_size = stack.box_size
        phases = origin_phases(known.origins_angstrom.float(), stack.box_size, known.pixel_size_angstrom).conj()
        ctf = known.ctf(everyone)
        assert ctf is not None
        # Projections are centred on pixel (n // 2, n // 2), slices to be inserted on pixel (0, 0).
        index = torch.arange(stack.box_size)
        self.centring = 1 - 2 * ((index[:, None] + index[: stack.box_size // 2 + 1]) % 2)
        inside = fourier.centred_to_half_plane(fourier.shell_index(stack.box_size)) <= last_shell
        self.residual = fourier.centred_half_plane(stack[:][:, 0]) * phases * inside
        self.ctf, self.rotations = ctf * inside, known.rotations(everyone)

    def latents(self, modes: int, iterations: int, seed: int) -> np.ndarray:
        """-> (n, modes): amplitudes, in units of the noise that they are seen through."""
        self.residual = self.residual - self._seen(self._map(self.ctf))
        return np.stack([self._mode(iterations, seed, mode) for mode in range(modes)], axis=1)

    def _mode(self, iterations: int, seed: int, mode: int) -> np.ndarray:
        amplitudes = torch.from_numpy(generator(seed, mode).standard_normal(len(self.ctf))).float()
        for _ in range(iterations):
            seen = self._seen(self._map(amplitudes[:, None, None] * self.ctf))
            power = seen.abs().square().sum((1, 2))
            # Shrunk by what a mode of mean power would be, where a view hardly shows it.
            amplitudes = (seen.conj() * self.residual).real.sum((1, 2)) / (power + power.mean())
            amplitudes = (amplitudes - amplitudes.mean()) / amplitudes.std()
        self.residual = self.residual - amplitudes[:, None, None] * seen
        return (amplitudes * power.mean().sqrt()).numpy()

    def _map(self, ctf: Tensor) -> Tensor:
        """(b, n, n // 2 + 1) -> (n, n, n): back-projection of the residuals with these CTFs."""
        sums = SliceAccumulator(self.box_size, PAD_FACTOR)
        sums.insert(Slices(self.residual * ctf, ctf**2), self.rotations)
        return sums.volume(REGULARISATION)

    def _seen(self, volume: Tensor) -> Tensor:
        """(n, n, n) -> (b, n, n // 2 + 1): what each particle's image shows of it."""
        spectra = Projector(volume[None], PAD_FACTOR)(self.rotations, torch.zeros(len(self.ctf), dtype=torch.int64))
        return spectra * self.centring * self.ctf
