"""How the images of a stack came from their particles: CTF, aberrations, magnification, and what was done to them since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from cryosense import fourier
from cryosense.data import ParticleDataError
from cryosense.data.ranges import check_b_factor, check_ranges
from cryosense.data.tables import Tables
from cryosense.data.unused import coefficients
from cryosense.volumes.aberrations import Aberrations, coma_of_beam_tilt
from cryosense.volumes.backproject import Slices, slices
from cryosense.volumes.ctf import CtfParameters, ctf_half_plane
from cryosense.volumes.magnification import recorded, undistorted
from cryosense.volumes.poses import origin_phases
from cryosense.volumes.transfer import Treatment, transferred

CTF = ["rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle", "rlnVoltage", "rlnSphericalAberration", "rlnAmplitudeContrast"]
# Where a file does not have them, as in RELION.
OPTIONAL_CTF = {"rlnPhaseShift": 0.0, "rlnCtfBfactor": 0.0, "rlnCtfScalefactor": 1.0}
BEAM_TILT = ["rlnBeamTiltX", "rlnBeamTiltY"]
MAGNIFICATION = ["rlnMagMat00", "rlnMagMat01", "rlnMagMat10", "rlnMagMat11"]
ZERNIKE = ["rlnOddZernike", "rlnEvenZernike"]
FLIPPED, PREMULTIPLIED = "rlnCtfDataArePhaseFlipped", "rlnCtfDataAreCtfPremultiplied"
# What is used where the CTF is corrected, and where it is not.
USED_WITH_CTF = (*CTF, *OPTIONAL_CTF, *BEAM_TILT, *MAGNIFICATION, *ZERNIKE, FLIPPED, PREMULTIPLIED)
USED_WITHOUT_CTF = (*MAGNIFICATION,)


@dataclass(frozen=True)
class ParticleOptics:
    """Of n particles.

    Attributes:
        ctf_columns: (n, 9) float64: the fields of :class:`CtfParameters` in their order; None where none is corrected.
        treatment: (n,) what was done to the images.
        group: (n,) which of ``aberrations`` is theirs.
    """

    ctf_columns: Tensor | None
    treatment: Treatment
    group: Tensor
    aberrations: tuple[Aberrations, ...]

    @classmethod
    def of(cls, tables: Tables, pixel_size_angstrom: float, *, with_ctf: bool) -> Self:
        """Read them from RELION's columns; magnification alone where the CTF is not to be corrected.

        Raises:
            ParticleDataError: columns are missing, hold no numbers or such as no microscope has, or contradict each other.
        """
        count = len(tables.particles)
        no = torch.zeros(count, dtype=torch.bool)
        if not with_ctf:
            return cls(None, Treatment(no, no), *_aberrations(tables, np.zeros((count, 2)), with_ctf=False))
        columns = read_ctf_columns(tables, pixel_size_angstrom)
        flipped, premultiplied = (_flags(tables, name) for name in (FLIPPED, PREMULTIPLIED))
        if bool((flipped & premultiplied).any()):
            raise ParticleDataError(
                f"{tables.path}: {FLIPPED} and {PREMULTIPLIED} are both 1 for some particles: say which was done to them"
            )
        group, aberrations = _aberrations(tables, columns[:, [3, 4]].numpy(), with_ctf=True)
        return cls(columns, Treatment(flipped, premultiplied), group, aberrations)

    def ctf(self, rows: Tensor, box_size: int, pixel_size_angstrom: float) -> Tensor | None:
        """(b,) positions -> (b, n, n // 2 + 1) float32, None where no CTF is to be corrected."""
        if self.ctf_columns is None:
            return None
        ctf = torch.empty(len(rows), box_size, box_size // 2 + 1)
        for place, aberrations in self._groups(rows):
            parameters = CtfParameters(*self.ctf_columns[rows[place]].float().unbind(-1))
            ctf[place] = ctf_half_plane(parameters, box_size, pixel_size_angstrom, aberrations)
        return ctf

    @property
    def magnifies(self) -> bool:
        """Whether images have to be undistorted."""
        return any(each.magnifies for each in self.aberrations)

    def slices(self, images: Tensor, rows: Tensor, origins_angstrom: Tensor, shares: Tensor | None, pixel: float) -> Slices:
        """(b, n, n) images at ``rows``, (b, 2) origins, pixel size -> what they add to a map; shares as in :func:`slices`."""
        if self.magnifies:
            images, origins_angstrom = self._undistorted(images, rows, origins_angstrom, pixel)
        terms = slices(images, origins_angstrom, None, shares, pixel)
        box_size = images.shape[-1]
        ctf = self.ctf(rows, box_size, pixel)
        numerator, weight = terms.numerator.clone(), terms.weight.clone()
        for place, aberrations in self._groups(rows):
            part = Slices(terms.numerator[place], terms.weight[place])
            if ctf is not None:
                chosen = rows[place]
                treatment = Treatment(self.treatment.phase_flipped[chosen], self.treatment.premultiplied[chosen])
                turn = aberrations.turn(box_size, pixel) if aberrations.turns else None
                part = transferred(part, ctf[place], treatment, turn)
            known = recorded(box_size, aberrations.magnification) if aberrations.magnifies else torch.ones(())
            numerator[place], weight[place] = part.numerator * known, part.weight * known
        return Slices(numerator, weight)

    def _undistorted(self, images: Tensor, rows: Tensor, origins_angstrom: Tensor, pixel: float) -> tuple[Tensor, Tensor]:
        """-> images centred on their particles and undistorted, origins of 0."""
        n, group = images.shape[-1], self.group[rows].tolist()
        made = torch.empty_like(images)
        for i in range(len(images)):  # one by one: none depends on those that come with it
            phases = origin_phases(origins_angstrom[i : i + 1], n, pixel).conj()
            centred = fourier.from_half_plane(fourier.half_plane(images[i : i + 1]) * phases, n)
            made[i] = undistorted(centred, self.aberrations[group[i]].magnification)[0]
        return made, torch.zeros_like(origins_angstrom)

    def digest(self) -> bytes:
        """-> bytes that differ where anything of it does."""
        columns = b"" if self.ctf_columns is None else self.ctf_columns.numpy().tobytes()
        flags = torch.stack([self.treatment.phase_flipped, self.treatment.premultiplied]).numpy().tobytes()
        return columns + flags + self.group.numpy().tobytes() + repr(self.aberrations).encode()

    def _groups(self, rows: Tensor) -> list[tuple[Tensor, Aberrations]]:
        """-> places among ``rows``, and what is theirs."""
        group = self.group[rows]
        return [((group == number).nonzero()[:, 0], self.aberrations[number]) for number in group.unique().tolist()]


def read_ctf_columns(tables: Tables, pixel_size_angstrom: float) -> Tensor:
    """-> (n, 9) float64. Raises :class:`ParticleDataError` for what is missing, no number, or out of range."""
    tables.require(CTF, "CTF parameters are needed; give the file that has them, or set ctf_correction=false")
    columns = [tables.numbers(CTF), *(tables.numbers([name], absent) for name, absent in OPTIONAL_CTF.items())]
    values = np.concatenate(columns, axis=1)
    check_ranges(tables, [*CTF, *OPTIONAL_CTF], values)
    check_b_factor(tables, values[:, 7], pixel_size_angstrom)
    return torch.from_numpy(values)


def _flags(tables: Tables, name: str) -> Tensor:
    values = tables.numbers([name], 0.0)[:, 0]
    if not np.isin(values, (0, 1)).all():
        raise ParticleDataError(f"{tables.path}: {name} must be 0 or 1")
    return torch.from_numpy(values == 1)


def _aberrations(tables: Tables, lens: np.ndarray, *, with_ctf: bool) -> tuple[Tensor, tuple[Aberrations, ...]]:
    """(n, 2) voltage and spherical aberration -> (n,) group, what each group has."""
    magnification = _complete(tables, MAGNIFICATION, [1.0, 0.0, 0.0, 1.0])
    tilt = _complete(tables, BEAM_TILT, [0.0, 0.0]) if with_ctf else np.zeros((len(lens), 2))
    polynomials = [_polynomials(tables, name, with_ctf=with_ctf) for name in ZERNIKE]
    codes = np.stack([code for code, _ in polynomials], axis=1)
    different, group = np.unique(np.concatenate([magnification, tilt, lens, codes], axis=1), axis=0, return_inverse=True)
    made = []
    for row in different.tolist():
        odd, even = (known[int(code)] for (_, known), code in zip(polynomials, row[8:], strict=True))
        coma = coma_of_beam_tilt((row[4], row[5]), row[6], row[7]) if any(row[4:6]) else (0.0, 0.0)
        made.append(Aberrations((row[0], row[1], row[2], row[3]), coma, odd, even))
    return torch.from_numpy(group.reshape(-1)), tuple(made)


def _complete(tables: Tables, names: list[str], absent: list[float]) -> np.ndarray:
    """-> (n, columns) in their range: all columns, or what stands for all where there is none."""
    if not any(tables.has(name) for name in names):
        return np.tile(absent, (len(tables.particles), 1))
    tables.require(names, f"all of {', '.join(names)} are needed, or none")
    values = tables.numbers(names)
    check_ranges(tables, names, values)
    return values


def _polynomials(tables: Tables, name: str, *, with_ctf: bool) -> tuple[np.ndarray, list[tuple[float, ...]]]:
    """-> (n,) code of each particle's coefficients, the coefficients of each code."""
    if not with_ctf or not tables.has(name):
        return np.zeros(len(tables.particles)), [()]
    codes, texts = tables.column(name).astype(str).factorize()
    known = [coefficients(text) for text in texts]
    bad = [text for text, values in zip(texts, known, strict=True) if not np.isfinite(values).all()]
    if bad:
        raise ParticleDataError(f"{tables.path}: {name} {bad[0]!r} is not a list of numbers like [0.1,-2.5]")
    return codes.astype(np.float64), [tuple(values.tolist()) for values in known]
