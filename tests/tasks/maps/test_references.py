"""What maps are compared with: of one kind with them, in their frame; and a shared part that only the cross-FSC sees."""

import json
from pathlib import Path

import pytest
import torch

from cryosense.data import ParticleDataError
from cryosense.metrics import fsc, sphere_mask
from cryosense.simulation.files import ModelDensity
from cryosense.tasks.maps.files import write_volume
from cryosense.tasks.maps.references import AtomicModel, UncompressedRun, read_map
from tests.tasks.balls import COUNT, PIXEL, N, reconstruction


@pytest.mark.parametrize(("size", "pixel"), [(N, 2 * PIXEL), (N + 2, PIXEL)])
def test_a_map_of_another_kind_is_refused(tmp_path: Path, size: int, pixel: float) -> None:
    write_volume(tmp_path / "map.mrc", torch.zeros(size, size, size), pixel)
    with pytest.raises(ParticleDataError, match=r"some_key: .*resample it"):
        read_map(tmp_path / "map.mrc", "some_key", N, PIXEL)
    with pytest.raises(ParticleDataError, match="cannot be read"):
        read_map(tmp_path / "none.mrc", "some_key", N, PIXEL)


def write_model(path: Path, positions: list[tuple[float, float, float]]) -> str:
    line = "ATOM  {:5d}  C   GLY A{:4d}    {:8.3f}{:8.3f}{:8.3f}  1.00  0.00           C"
    path.write_text("\n".join([*(line.format(i + 1, i + 1, *at) for i, at in enumerate(positions)), "END\n"]))
    return str(path)


def test_atoms_lie_where_their_coordinates_say(tmp_path: Path) -> None:
    """At voxels x = 4, y = 9, z = 7 from the corner of the box; the same with the centre named."""
    path = write_model(tmp_path / "model.pdb", [(4 * PIXEL, 9 * PIXEL, 7 * PIXEL)])
    at_corner = AtomicModel(path, None).density(N, PIXEL)
    assert int(at_corner.argmax()) == (7 * N + 9) * N + 4
    centre = [N // 2 * PIXEL] * 3
    torch.testing.assert_close(AtomicModel(path, centre).density(N, PIXEL), at_corner)
    with pytest.raises(ParticleDataError, match="give that point as model_centre_angstrom"):
        AtomicModel(path, [500.0, 0.0, 0.0]).density(N, PIXEL)
    with pytest.raises(ParticleDataError, match="give x, y and z"):
        AtomicModel(path, [0.0]).density(N, PIXEL)
    (tmp_path / "empty.pdb").write_text("END\n")
    with pytest.raises(ParticleDataError, match=r"cannot be read: .*no atoms"):
        AtomicModel(str(tmp_path / "empty.pdb"), None).density(N, PIXEL)


def test_a_model_is_compared_in_its_own_frame(reference_data: Path) -> None:
    """GroEL's heptamer against a density of it that was centred on its extent: the same once that point is named."""
    path = str(reference_data / "real" / "1oel_groel_heptamer.pdb")
    simulated = ModelDensity(path, 12.0)
    positions = simulated.placed_atoms().positions_angstrom
    middle = ((positions.min(0).values + positions.max(0).values) / 2).tolist()
    volume = simulated.volumes(40, 5.0)[0]
    assert float(fsc(volume, AtomicModel(path, middle).density(40, 5.0))[1:].min()) > 0.99
    beside = [middle[0] + 6.0, *middle[1:]]
    # A shift d turns phases by 2 pi d k / 200: sin(x) / x over a shell, below 0.5 from x = 1.9, shell 10, on.
    assert float(fsc(volume, AtomicModel(path, beside).density(40, 5.0))[12:].max()) < 0.5


def uncompressed(directory: Path, half_sets: str) -> UncompressedRun:
    made = reconstruction(noise=4.0, seed=1)
    directory.mkdir()
    for number in (1, 2):
        write_volume(directory / f"half{number}.mrc", made.halves[number - 1], PIXEL)
    (directory / "done.json").write_text(json.dumps({"particles": COUNT, "half_sets_digest": half_sets}))
    return UncompressedRun(str(directory))


def test_halves_that_share_something_are_found_out(tmp_path: Path) -> None:
    run = uncompressed(tmp_path / "run", "digest")
    independent = reconstruction(noise=4.0, seed=2).halves
    curves, worth = run.compare(independent, PIXEL, "digest")
    sphere = sphere_mask(independent[0], PIXEL, radius_angstrom=6 * PIXEL, edge_pixels=2.0)
    stored = [read_map(tmp_path / "run" / f"half{i}.mrc", "", N, PIXEL) * sphere for i in (1, 2)]
    torch.testing.assert_close(curves["cross_half1"], fsc(independent[0] * sphere, stored[1]))
    torch.testing.assert_close(curves["cross_half2"], fsc(independent[1] * sphere, stored[0]))
    torch.testing.assert_close(curves["uncompressed"], fsc(*stored))
    assert worth["cross"] == pytest.approx(COUNT, rel=0.5)
    assert worth["half_maps"] == pytest.approx(COUNT, rel=0.5)
    # The same noise in both halves, as a prior or a mask that they share may put there.
    shared = 3 * independent[0].std() * torch.randn(N, N, N, generator=torch.Generator().manual_seed(0))
    _, inflated = run.compare((independent[0] + shared, independent[1] + shared), PIXEL, "digest")
    assert inflated["half_maps"] > 2 * COUNT
    assert inflated["cross"] < COUNT / 3


def test_other_half_sets_are_refused(tmp_path: Path) -> None:
    run = uncompressed(tmp_path / "run", "digest")
    with pytest.raises(ParticleDataError, match="other half sets"):
        run.halves(N, PIXEL, "another")
    with pytest.raises(ParticleDataError, match=r"no done\.json"):
        UncompressedRun(str(tmp_path)).halves(N, PIXEL, "digest")
