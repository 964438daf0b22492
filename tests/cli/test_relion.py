"""RELION on files that were written here, started where its users start it: in the root of their project."""

import shutil
import sys
from pathlib import Path

import mrcfile
import pytest
import starfile
import torch

from cryosense.alignment import angles_between_deg
from cryosense.data.maps import read_map
from cryosense.metrics import fsc
from cryosense.volumes.poses import rotation_matrices
from cryosense.volumes.symmetry import point_group
from tests.cli.test_align import ANGLES, ORIGINS
from tests.cli.verbs import cryosense, relion

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("relion_refine") is None, reason="RELION is not installed"),
]
SMALL = ["box_size=32", "pixel_size_angstrom=7.0", "density.resolution_angstrom=14.0", "count=200", "snr=1.0", "seed=1"]
COUNT = 200
MASKS = ["operator=fourier", "operator/masks=uniform", "operator.per_particle=true", "compression=2.5"]
# Both end at the most likely pose of the same grid: 7.5 degrees and one pixel, by way of 15 and two.
OURS = ["fineness.last_order=3", "fineness.polish=false", "fineness.shift_radius_pixels=5"]
THEIRS = "--iter 1 --ctf --ctf_corrected_ref --flatten_solvent --zero_mask --particle_diameter 210 --norm --scale"
THEIRS += " --oversampling 1 --healpix_order 2 --offset_range 5 --offset_step 2 --tau2_fudge 4 --K 1 --pad 2 --j 1"
THEIRS += " --dont_combine_weights_via_disc"
REPLICATES = 2000


def test_maps_are_made_of_every_star_file_from_the_root_of_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cryosense(monkeypatch, "simulate", "output_dir=set", "relion_root=.", *SMALL)
    reference = ["reference=set/volume.mrc", "reference_resolution_angstrom=20"]
    cryosense(monkeypatch, "align", "data.path=set/particles.star", "output_dir=outputs/poses", *reference)
    quick = ["reconstructor=pinv", "compression=1.5", "scores.lpips=null", "draw_example=false", "output_dir=outputs/images"]
    cryosense(monkeypatch, "reconstruct", "data.path=set/particles.star", *quick)
    (images,) = Path("outputs/images").glob("*/particles.star")
    truth = read_map("set/volume.mrc").values
    for number, (path, least) in enumerate(
        ((Path("set/particles.star"), 0.95), (Path("outputs/poses/particles.star"), 0.9), (images, 0.9))
    ):
        relion("relion_reconstruct", "--i", str(path), "--o", f"map{number}.mrc", "--ctf", "--pad", "2")
        curve = fsc(read_map(f"map{number}.mrc").values, truth)
        assert float(curve[1:8].min()) > least, path


def aligned(monkeypatch: pytest.MonkeyPatch, name: str, *words: str) -> torch.Tensor:
    """The errors, in degrees, of poses found here."""
    reference = ["reference=set/volume.mrc", "reference_resolution_angstrom=12"]
    cryosense(monkeypatch, "align", f"output_dir=outputs/{name}", *reference, *words)
    return errors_deg(f"outputs/{name}/particles.star")


def refined(name: str, images: Path) -> torch.Tensor:
    """The errors, in degrees, of the expectation step of ``relion_refine`` from the same map at the same resolution."""
    Path(name).mkdir()
    files = ["--i", str(images), "--o", f"{name}/run", "--ref", "scaled.mrc", "--ini_high", "12"]
    relion("relion_refine", *files, *THEIRS.split())
    return errors_deg(f"{name}/run_it001_data.star")


def errors_deg(found: str) -> torch.Tensor:
    """Angles to the true poses, by the numbers of the images: RELION puts particles into an order of its own."""
    rotations = []
    for path in (found, "set/particles.star"):
        rows = starfile.read(path, always_dict=True)["particles"]
        rows = rows.assign(number=rows["rlnImageName"].str.split("@").str[0].astype(int)).sort_values("number")
        rotations.append(rotation_matrices(torch.tensor(rows[ANGLES].to_numpy(dtype=float))))
    return angles_between_deg(rotations[0], rotations[1], point_group("C1"))


def ratio(ours: torch.Tensor, theirs: torch.Tensor) -> tuple[float, float, float]:
    """The ratio of median errors, with its 95 % interval over particles that are drawn in pairs."""
    drawn = torch.randint(len(ours), (REPLICATES, len(ours)), generator=torch.Generator().manual_seed(0))
    ratios = ours[drawn].median(1).values / theirs[drawn].median(1).values
    low, high = torch.quantile(ratios, torch.tensor([0.025, 0.975], dtype=ratios.dtype)).tolist()
    return float(ours.median() / theirs.median()), low, high


def scaled_reference(path: str) -> None:
    """Write the true map in the units in which RELION's projections of it are the particles, by a map that it made of them."""
    relion("relion_reconstruct", "--i", "set/particles.star", "--o", "made.mrc", "--ctf", "--pad", "2")
    made, truth = (read_map(name) for name in ("made.mrc", "set/volume.mrc"))
    scale = float((made.values * truth.values).sum() / truth.values.square().sum())
    with mrcfile.new(path, (scale * truth.values).float().numpy()) as file:
        file.voxel_size = truth.voxel_angstrom[0]


def without_poses(path: str) -> None:
    """Write ``blind.star``: the simulated particles, nothing said of their poses."""
    blocks = starfile.read("set/particles.star", always_dict=True)
    blocks["particles"] = blocks["particles"].drop(columns=[*ANGLES, *ORIGINS])
    starfile.write(blocks, path)


def test_poses_of_the_same_grid_are_no_worse_than_those_of_relion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of originals; of signs and of masked particles, which are matched here as measured, there as decoded images."""
    monkeypatch.chdir(tmp_path)
    cryosense(monkeypatch, "simulate", "output_dir=set", "relion_root=.", f"count={COUNT}", "snr=0.2", "seed=1")
    without_poses("blind.star")
    scaled_reference("scaled.mrc")
    cryosense(monkeypatch, "measure", "blind.star", "output=signs.cryo.h5", "quantiser=sign")
    images = ["reconstructor=pinv", "scores.lpips=null", "draw_example=false"]
    cryosense(monkeypatch, "reconstruct", "data.path=signs.cryo.h5", *images, "output_dir=outputs/signs")
    cryosense(monkeypatch, "reconstruct", "data=stack", "data.path=blind.star", *MASKS, *images, "output_dir=outputs/masked")
    decoded, masked = (next(Path(f"outputs/{name}").glob("*/particles.star")) for name in ("signs", "masked"))
    found = {
        "originals": (["data.path=blind.star"], Path("blind.star")),
        "signs": (["data.path=signs.cryo.h5"], decoded),
        "masked": (["data.path=blind.star", *MASKS], masked),
    }
    ratios, first = {}, {}
    for name, (words, path) in found.items():
        ours, theirs = aligned(monkeypatch, f"poses_{name}", *words, *OURS), refined(name, path)
        ratios[name], first[name] = ratio(ours, theirs), float(theirs.median())
        sys.stdout.write(f"{name}: {ours.median():.2f} degrees here, {theirs.median():.2f} there, ratio {ratios[name]}\n")
    assert all(low <= 1 for _, low, _ in ratios.values()), ratios
    assert ratios["masked"][2] < 1, ratios  # it knows what was not measured
    # RELION goes on from poses that were found here.
    assert float(refined("after", Path("outputs/poses_originals/particles.star")).median()) < 1.2 * first["originals"]
