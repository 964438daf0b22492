"""Map to model: one where the map is the model's own density, and GroEL's map with one ring of its two."""

import math
from functools import partial
from pathlib import Path

import gemmi
import mrcfile
import numpy as np
import pytest

from cryosense.data import ParticleDataError
from cryosense.metrics import automatic_mask
from cryosense.tasks.atomic_models.in_map import KnownMap, ModelInMap
from cryosense.tasks.maps.files import write_volume
from cryosense.tasks.maps.references import AtomicModel
from tests.biology.peptides import peptide, random_letters, write

MASK = partial(automatic_mask, lowpass_angstrom=8.0, extend_pixels=2.0, edge_pixels=4.0)


def known_map(path: Path, resolution: float, centre: list[float] | None = None) -> KnownMap:
    return KnownMap(str(path), resolution, 3.0, centre, MASK, 0.8, 0)


def assess(known: KnownMap, model: Path) -> ModelInMap:
    opened = known.open()
    assert opened is not None
    return opened.assess(model)


def test_a_models_own_density(tmp_path: Path) -> None:
    """FSC and correlation are 1 up to the map's single precision; in the frame that the header tells, or that is given."""
    chains = [peptide(random_letters(0, 12), "A"), peptide(random_letters(1, 12), "B", shift=(12, 5, 3))]
    model, centre = write(tmp_path / "a.cif", chains), [6.0, 2.0, 10.0]
    write_volume(tmp_path / "map.mrc", AtomicModel(str(model), centre).density(40, 1.5), 1.5)
    found = assess(known_map(tmp_path / "map.mrc", 3.0, centre), model)
    assert float(found.curves["unmasked"].iloc[1:].min()) > 1 - 1e-6
    assert float(found.curves["masked"].iloc[1:].min()) > 1 - 1e-6
    assert set(found.resolutions.query("curve == 'unmasked'")["resolution_angstrom"]) == {3.0}
    assert found.correlations == pytest.approx({"A": 1.0, "B": 1.0}, abs=1e-6)
    with mrcfile.open(tmp_path / "map.mrc", "r+") as mrc:
        mrc.header.origin = tuple(at - 20 * 1.5 for at in centre)
    again = assess(known_map(tmp_path / "map.mrc", 3.0), model)
    assert again.correlations == found.correlations
    beside = assess(known_map(tmp_path / "map.mrc", 3.0, [10.0, 2.0, 10.0]), model)
    assert max(beside.correlations.values()) < 0.5
    # Without one of its chains, the map still shows the other.
    one = write(tmp_path / "one.cif", chains[:1])
    write_volume(tmp_path / "one.mrc", AtomicModel(str(one), centre).density(40, 1.5), 1.5)
    halved = assess(known_map(tmp_path / "one.mrc", 3.0, centre), model).correlations
    assert halved["A"] > 0.9
    assert halved["B"] < 0.3


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    model = write(tmp_path / "a.cif", [peptide("MKVLG")])
    with pytest.raises(ParticleDataError, match="no such map"):
        known_map(tmp_path / "none.mrc", 4.0).open()
    with mrcfile.new(tmp_path / "flat.mrc") as mrc:
        mrc.set_data(np.ones((4, 8, 8), np.float32))
        mrc.voxel_size = 2.0
    with pytest.raises(ParticleDataError, match=r"flat\.mrc .*: a cube"):
        known_map(tmp_path / "flat.mrc", 4.0).open()
    write_volume(tmp_path / "map.mrc", AtomicModel(str(model), [0.0, 0.0, 0.0]).density(20, 2.0), 2.0)
    with pytest.raises(ParticleDataError, match=r"resolution_angstrom=3\.0: .* at least 4"):
        known_map(tmp_path / "map.mrc", 3.0).open()
    with pytest.raises(ParticleDataError, match=r"does not lie in the box .* model_centre_angstrom"):
        assess(known_map(tmp_path / "map.mrc", 4.0, [90.0, 0.0, 0.0]), model)


def test_groel_in_its_map(reference_data: Path, tmp_path: Path) -> None:
    """The crystal's coordinates are not in the map's frame; laid into one of its two rings, the mask makes up for the other.

    The placement was found by correlation on a grid of 3 degrees and 5.6 Angstrom along the seven-fold axis.
    """
    source = reference_data / "real" / "1oel_groel_heptamer.pdb"
    known = known_map(reference_data / "real" / "emd_1997_groel.map", 7.0)
    with pytest.raises(ParticleDataError, match="does not lie in the box"):
        assess(known, source)
    turn = math.radians(15.0)
    onto_axis = np.array([[1, 0.0, 0.0006], [0.0, 0.99955, 0.03008], [-0.0006, -0.03008, 0.99955]])
    turned = np.array([[math.cos(turn), -math.sin(turn), 0], [math.sin(turn), math.cos(turn), 0], [0, 0, 1]]) @ onto_axis
    structure = gemmi.read_structure(str(source))
    structure.remove_waters()
    middle = np.mean([site.atom.pos.tolist() for site in structure[0].all() if site.atom.name == "CA"], axis=0)
    transform = gemmi.Transform()
    transform.mat.fromlist(turned.tolist())
    transform.vec.fromlist((np.array([0, 0, -33.7]) - turned @ middle).tolist())
    structure[0].transform_pos_and_adp(transform)
    structure.write_pdb(str(tmp_path / "placed.pdb"))
    found = assess(known, tmp_path / "placed.pdb")
    at_half = found.resolutions.query("threshold == 0.5").set_index("curve")["resolution_angstrom"]
    assert at_half["masked"] < 12 < at_half["unmasked"]
    assert 0.4 < min(found.correlations.values()) <= max(found.correlations.values()) < 0.7
    assert found.correlations.keys() == set("ABCDEFG")
