"""Particles of many molecules under conditions drawn for each micrograph."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import mrcfile
import numpy as np
import pandas as pd
import pytest
import starfile
import torch

from cryosense import fourier
from cryosense.errors import ArgumentError
from cryosense.simulation.dataset import write_dataset
from cryosense.simulation.files import MapDensity
from cryosense.simulation.microscope import Microscope
from cryosense.simulation.noise import PowerLawNoise, PowerLawRange, WhiteNoise
from cryosense.simulation.particles import ParticleSimulator
from cryosense.simulation.pseudo_atoms import PseudoAtoms
from cryosense.simulation.several import SeveralModels
from cryosense.simulation.surroundings import Surroundings, ice, neighbour_images, neighbours
from cryosense.simulation.varied import VariedSimulator
from cryosense.volumes import poses
from cryosense.volumes.ctf import ctf_half_plane
from cryosense.volumes.project import Projector

ALONE = Surroundings(0.0, 0.0)


@dataclass(frozen=True)
class Blobs:
    """States of some atoms each, 40 to 100 A long."""

    lengths_angstrom: Sequence[float] = (40.0, 60.0, 80.0, 100.0)
    resolution_angstrom: float = 10.0

    @property
    def state_count(self) -> int:
        return len(self.lengths_angstrom)

    @property
    def largest_angstrom(self) -> float:
        return max(self.lengths_angstrom)

    def atoms_of(self, state: int) -> PseudoAtoms:
        points = torch.randn(60, 3, generator=torch.Generator().manual_seed(state))
        return PseudoAtoms(points * self.lengths_angstrom[state] / 2 / points.norm(dim=1).max(), torch.ones(60))

    def described(self, state: int) -> dict[str, object]:
        return {"molecule": f"blob {state}"}

    def states(self) -> pd.DataFrame:
        return pd.DataFrame([self.described(state) for state in range(self.state_count)])


@pytest.fixture(scope="module")
def varied(microscope: Microscope) -> VariedSimulator:
    scope = replace(microscope, b_factor_angstrom2=[20.0, 200.0])
    return VariedSimulator(Blobs(), scope, PowerLawRange(), box_size=32, seed=3)


def test_a_particle_is_the_same_in_any_chunk(varied: VariedSimulator) -> None:
    whole = varied.chunk(range(0, 34))
    for parts in ([range(5, 6), range(6, 25), range(25, 34)], [range(27, 34), range(5, 27)]):
        for part in parts:
            alone = replace(varied).chunk(part)  # nothing kept from the others
            rows = slice(part.start, part.stop)
            torch.testing.assert_close(alone.noisy, whole.noisy[rows], atol=5e-6, rtol=0)
            torch.testing.assert_close(alone.clean, whole.clean[rows], atol=5e-6, rtol=0)
            assert torch.equal(alone.truth.angles_deg, whole.truth.angles_deg[rows])
            assert torch.equal(alone.truth.states, whole.truth.states[rows])


def test_each_micrograph_has_its_own_snr(varied: VariedSimulator) -> None:
    """In expectation over poses: 400 particles of one micrograph, whose variance is known to a few per cent."""
    scope = replace(varied.microscope, particles_per_micrograph=400)
    for simulator in (replace(varied, microscope=scope, surroundings=ALONE), replace(varied, microscope=scope, snr=0.3)):
        chunk = simulator.chunk(range(400))
        assert float(chunk.clean.var()) == pytest.approx(simulator.micrograph(0).snr, rel=0.06)
    noise = chunk.noisy - chunk.clean
    alone = replace(simulator, surroundings=ALONE).chunk(range(400))
    assert float((alone.noisy - alone.clean).std()) == pytest.approx(1.0, abs=0.01)
    assert float(noise.var()) > 1.02  # neighbours and ice
    torch.testing.assert_close(alone.clean, chunk.clean)  # which clean images leave out


def test_conditions_lie_in_their_ranges_and_fill_them(varied: VariedSimulator) -> None:
    drawn = [varied.micrograph(number) for number in range(400)]
    assert {each.state for each in drawn} == {0, 1, 2, 3}
    for values, low, high in (
        ([each.snr for each in drawn], 0.02, 1.0),
        ([each.neighbours_sought for each in drawn], 0.0, 2.0),
        ([each.ice_gradient for each in drawn], 0.0, 0.5),
        ([each.noise_model.corner_angstrom for each in drawn], 15.0, 60.0),
        ([each.noise_model.exponent for each in drawn], 0.2, 2.0),
        (varied.microscope.ctf_parameters(3, range(0, 4000, 10)).b_factor_angstrom2.tolist(), 20.0, 200.0),
    ):
        assert low <= min(values) < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < max(values) <= high
    assert np.log([each.snr for each in drawn]).mean() == pytest.approx(np.log([0.02, 1.0]).mean(), abs=0.2)
    for each in drawn:
        fill = each.diameter_angstrom / (varied.box_size * each.pixel_size_angstrom)
        assert 2 <= each.pixel_size_angstrom <= 8
        assert 0.2 - 1e-3 < fill < 0.8 + 1e-3
    sizes = [each.pixel_size_angstrom for each in drawn]
    assert np.ptp(sizes) > 5
    assert sizes.count(2.0) < 4  # none pile up at an end


def test_what_is_stated_is_not_drawn(microscope: Microscope) -> None:
    fixed = VariedSimulator(Blobs(), microscope, WhiteNoise(), box_size=32, pixel_size_angstrom=4.0, snr=0.5)
    drawn = [fixed.micrograph(number) for number in range(20)]
    assert {(each.pixel_size_angstrom, round(each.snr, 9), each.noise_model) for each in drawn} == {(4.0, 0.5, WhiteNoise())}
    assert fixed.truth(range(20)).ctf.b_factor_angstrom2 == 80.0


def test_a_neighbour_is_the_molecule_elsewhere(varied: VariedSimulator) -> None:
    """Inside the box: the particle's own image of that pose, moved; what crosses the border does not come in again."""
    pixel, particles = 4.0, range(20)
    ctf = varied.microscope.ctf_parameters(3, particles)
    projector = Projector(Blobs().atoms_of(0).render(32, pixel, 10.0)[None], 2)
    found = neighbours(3, particles, 4.0, 24.0, 0.0)
    assert len(found.owners) == 80
    images = neighbour_images(projector, found, ctf, pixel, 20)
    expected = torch.zeros(20, 32, 32)
    for owner, offset, angles in zip(found.owners, found.offsets_angstrom, found.angles_deg, strict=True):
        spectrum = projector(poses.rotation_matrices(angles[None]).float(), torch.zeros(1, dtype=torch.int64))
        spectrum *= ctf_half_plane(ctf, 32, pixel)[owner] * poses.origin_phases(-offset[None].float(), 32, pixel)
        expected[owner] += fourier.from_half_plane(spectrum, 32)[0]
    assert (images - expected).norm() < 0.1 * expected.norm()
    gone = replace(found, offsets_angstrom=torch.full_like(found.offsets_angstrom, 96.0))
    assert neighbour_images(projector, gone, ctf, pixel, 20).norm() < 0.1 * expected.norm()


def test_neighbours_keep_their_distance_and_number() -> None:
    found = neighbours(0, range(2000), 1.0, 100.0, 60.0)
    distances = found.offsets_angstrom.norm(dim=-1)
    assert distances.min() >= 60
    assert found.offsets_angstrom.abs().max() <= 100
    kept = 1 - np.pi * 60**2 / 200**2  # of the field, less the disc around the particle
    assert len(distances) / 2000 == pytest.approx(kept, abs=0.06)
    few = neighbours(0, range(100, 120), 1.0, 100.0, 60.0)
    chosen = (found.owners >= 100) & (found.owners < 120)
    assert torch.equal(few.offsets_angstrom, found.offsets_angstrom[chosen])


def test_ice_is_a_slope() -> None:
    slopes = ice(0, range(200), 0.4, 32)
    assert slopes[:, 16, 16].abs().max() == 0
    steepness = torch.stack([slopes[:, 16, 0], slopes[:, 0, 16]]).norm(dim=0)
    assert 0.38 < float(steepness.max()) <= 0.4 + 1e-6
    torch.testing.assert_close(slopes[:, 0, 0], slopes[:, 16, 0] + slopes[:, 0, 16])


def test_the_files_say_which_molecule_and_which_scale(tmp_path: Path, varied: VariedSimulator) -> None:
    summary = write_dataset(tmp_path, varied, count=35, chunk_size=8, progress=lambda _: None)
    labels = pd.read_csv(tmp_path / "labels.csv")
    truth = varied.truth(range(35))
    assert labels["state"].tolist() == truth.states.tolist()
    assert labels["molecule"].tolist() == [f"blob {state}" for state in truth.states.tolist()]
    assert labels["particle"].tolist() == list(range(35))
    tables = starfile.read(tmp_path / "clean.star")
    particles, optics = tables["particles"], tables["optics"].set_index("rlnOpticsGroup")
    sizes = optics["rlnImagePixelSize"].loc[particles["rlnOpticsGroup"]].tolist()
    assert sizes == labels["pixel_size_angstrom"].tolist()
    assert len(optics) == 4
    np.testing.assert_allclose(particles["rlnCtfBfactor"], truth.ctf.b_factor_angstrom2, rtol=1e-5)
    assert summary["count"] == 35
    assert not list(tmp_path.glob("volume*"))
    with mrcfile.open(tmp_path / "particles.mrcs") as mrc:
        assert float(mrc.voxel_size.x) == 0  # unknown: it is not one
        np.testing.assert_allclose(mrc.data, varied.chunk(range(35)).noisy[:, 0], atol=5e-6)


def test_several_models_are_states_of_one_density(tmp_path: Path, microscope: Microscope) -> None:
    atom = "ATOM  {:5d}  CA  ALA A{:4d}    {:8.3f}{:8.3f}{:8.3f}  1.00  0.00           C"
    for name, length in (("a", 30.0), ("b", 50.0)):
        lines = [atom.format(i + 1, i + 1, length * i / 9, 3.0 * (i % 2), i % 3) for i in range(10)]
        (tmp_path / f"{name}.pdb").write_text("\n".join(lines))
    density = SeveralModels([str(tmp_path / "a.pdb"), str(tmp_path / "b.pdb")], 10.0)
    assert density.states()["molecule"].tolist() == ["a.pdb", "b.pdb"]
    simulator = ParticleSimulator(density, microscope, WhiteNoise(), 32, 4.0)
    truth = simulator.truth(range(40))
    assert simulator.labels(truth)["molecule"].tolist() == [f"{'ab'[state]}.pdb" for state in truth.states.tolist()]
    assert simulator.volumes.shape == (2, 32, 32, 32)
    other = VariedSimulator(density, microscope, WhiteNoise(), 32)
    assert other.micrograph(0).diameter_angstrom == pytest.approx(density.largest_angstrom, rel=0.5)
    with pytest.raises(ArgumentError, match="paths is empty"):
        SeveralModels([])


def test_impossible_keys_are_named(varied: VariedSimulator, microscope: Microscope) -> None:
    for key, value in (("snr", [0.5, 0.1]), ("fill", 1.2), ("pixel_size_angstrom", 0.0), ("pixel_size_angstrom", 3.0)):
        with pytest.raises(ArgumentError, match=f"^{key}"):
            replace(varied, **{key: value})
    with pytest.raises(ArgumentError, match="density is MapDensity: choose one made of atoms"):
        replace(varied, density=MapDensity(__file__))
    with pytest.raises(ArgumentError, match="neighbours"):
        Surroundings(neighbours=9.0)
    with pytest.raises(ArgumentError, match="corner_angstrom"):
        PowerLawRange(corner_angstrom=[0.0, 5.0])
    with pytest.raises(ArgumentError, match="noise_model is drawn"):
        ParticleSimulator(Blobs(), microscope, PowerLawRange())
    assert PowerLawRange().drawn(torch.tensor([0.0, 0.0])) == PowerLawNoise(15.0, 0.2)
