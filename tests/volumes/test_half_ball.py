"""The compiled loop against torch's operations; the same sums, bit for bit, in any portions and with any number of threads."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from cryosense.volumes.backproject import SliceAccumulator, Slices, slices
from cryosense.volumes.half_ball import HalfBallSums, plane_parts
from cryosense.volumes.poses import quaternion_rotations
from cryosense.volumes.quotient import Quotient, shell_counts
from tests.devices import CUDA, ON_EACH_DEVICE, there

COUNT = 24


def particles(n: int) -> tuple[Tensor, Tensor, Tensor]:
    """-> images, origins and rotations; the first ones are seen along the axes, where points lie on planes of the grid."""
    generator = torch.Generator().manual_seed(n)
    quaternions = torch.randn(COUNT, 4, generator=generator)
    half = 0.5**0.5
    axes = [[1, 0, 0, 0], [0, 1, 0, 0], [half, half, 0, 0], [half, 0, half, 0], [half, 0, 0, -half], [0, 0, 1, 0]]
    quaternions[:6] = torch.tensor(axes)
    return (
        torch.randn(COUNT, n, n, generator=generator),
        2 * torch.randn(COUNT, 2, generator=generator),
        quaternion_rotations(quaternions),
    )


def inserted(n: int, chunk: int, masked: bool = False, device: str = "cpu", pad_factor: int = 2) -> SliceAccumulator:
    images, origins, rotations = (x.to(device) for x in particles(n))
    shares = (torch.rand(COUNT, n, n, generator=torch.Generator().manual_seed(1)) < 0.4).float().to(device) if masked else None
    sums = SliceAccumulator(n, pad_factor).to(device)
    for part in torch.arange(COUNT).split(chunk):
        terms = slices(images[part], origins[part], None, None if shares is None else shares[part], 1.0)
        sums.insert(terms, rotations[part])
    return sums


def same(one: SliceAccumulator, other: SliceAccumulator) -> None:
    """Plane by plane: a point at x = 0 may go to itself in one and to its partner in the other; the edge makes up for it."""
    for part, others in zip(one.parts, other.parts, strict=True):
        edges = part.edge(), others.edge()
        columns = range(part.reach + 1)
        for z in range(-part.reach, part.reach + 1):
            planes = part.block(range(z, z + 1), columns, edges[0]), others.block(range(z, z + 1), columns, edges[1])
            torch.testing.assert_close(*(plane.cpu() for plane in planes), atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize(("n", "pad_factor", "masked"), [(24, 2, False), (25, 2, True), (16, 1, True), (15, 3, False)])
def test_compiled_sums_are_torchs(n: int, pad_factor: int, masked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = inserted(n, COUNT, masked, pad_factor=pad_factor)
    monkeypatch.setattr(HalfBallSums, "insert", HalfBallSums.scatter)
    plain = inserted(n, COUNT, masked, pad_factor=pad_factor)
    assert float(plain.outer.sums.abs().max()) > 1
    same(compiled, plain)


@pytest.mark.parametrize(("n", "pad_factor"), [(24, 2), (25, 2), (17, 1), (15, 3)])
def test_the_compiled_quotient_is_torchs(n: int, pad_factor: int) -> None:
    sums = inserted(n, COUNT, pad_factor=pad_factor)
    quotient = Quotient(sums.parts, sums.padded_size, 0.1)
    m = sums.padded_size
    everything, some = (range(m), range(m // 2 + 1)), (range(1, m // 2), range(2, m // 3))
    whole = quotient.block(*everything)
    torch.testing.assert_close(whole, quotient.block_by_torch(*everything), atol=1e-6, rtol=1e-6)
    assert torch.equal(quotient.block(*some), whole[1 : m // 2, :, 2 : m // 3])
    assert torch.equal(quotient.block_by_torch(*some), quotient.block_by_torch(*everything)[1 : m // 2, :, 2 : m // 3])
    by_torch = quotient.shell_weights_by_torch(len(shell_counts(m))) / shell_counts(m)
    torch.testing.assert_close(quotient.floor, 0.1 * by_torch)
    assert float(quotient.floor.max()) > 0


@pytest.mark.parametrize("n", [24, 33])
def test_portions_and_threads_change_no_bit(n: int) -> None:
    before = torch.get_num_threads()
    made = [inserted(n, chunk) for chunk in (COUNT, 7, 1)]
    try:
        for threads in (2, 3, 8):
            torch.set_num_threads(threads)
            made.append(inserted(n, 5))
    finally:
        torch.set_num_threads(before)
    for other in made[1:]:
        assert torch.equal(other.inner.sums, made[0].inner.sums)
        assert torch.equal(other.outer.sums, made[0].outer.sums)


@ON_EACH_DEVICE
def test_other_devices_make_the_map_of_the_cpu(device: str) -> None:
    here = inserted(24, 7)
    with there(device) as somewhere:
        made = inserted(24, 7, device=str(somewhere))
        volume = made.volume(1e-3)
        assert volume.device.type == somewhere.type
        expected = here.volume(1e-3)
        # Of few particles some points get next to nothing: their quotient shows the last digits of positions.
        assert float((volume.cpu() - expected).std()) < 0.01 * float(expected.std())
        same(made.to("cpu"), here)


@CUDA
@pytest.mark.parametrize(("n", "pad_factor", "masked"), [(24, 2, False), (25, 2, True), (16, 1, True), (96, 2, False)])
def test_sums_on_a_gpu_are_the_cpus(n: int, pad_factor: int, masked: bool) -> None:
    """Points lie where they do on the CPU, so that each sum differs by its order alone."""
    here, made = (inserted(n, 7, masked, place, pad_factor).to("cpu") for place in ("cpu", "cuda"))
    for one, other in zip(made.parts, here.parts, strict=True):
        assert float((one.sums - other.sums).abs().max()) < 1e-6 * float(other.sums.abs().max())


MAKING = """
from pathlib import Path
import torch
from cryosense.volumes.backproject import SliceAccumulator

def bytes_of(name):
    return 1024 * int(Path("/proc/self/status").read_text().partition(name + ":")[2].split()[0])

sums = SliceAccumulator(160, 2)
for part in sums.parts:
    part.sums.fill_(1.0)
sums.last_shell()
SliceAccumulator(16, 2).volume(1e-3)  # loads what is compiled
before = bytes_of("VmRSS")
Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
made = sums.volume(1e-3)
print((bytes_of("VmHWM") - before) / made.nbytes)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks of memory are asked for in /proc")
def test_a_map_is_made_in_four_times_its_own_memory() -> None:
    said = subprocess.run([sys.executable, "-c", MAKING], capture_output=True, text=True, check=True).stdout
    assert 1 < float(said) < 4


def test_threads_get_all_planes_and_none_twice() -> None:
    for parts in (1, 2, 3, 16):
        ranges = plane_parts(129, parts)
        assert [a for a, _ in ranges] == [0, *(b for _, b in ranges[:-1])]
        assert ranges[-1][1] == 259
        assert len(ranges) == parts


def test_matrices_that_are_no_rotations_are_refused() -> None:
    """They would lead outside the memory of the sums."""
    images, origins, rotations = particles(16)
    terms = slices(images, origins, None, None, 1.0)
    for wrong in (2 * rotations, rotations * float("nan")):
        with pytest.raises(ValueError, match="orthonormal"):
            SliceAccumulator(16, 2).insert(terms, wrong)


def test_nothing_is_added_where_nothing_was_measured() -> None:
    sums = SliceAccumulator(16, 2)
    nothing = Slices(torch.ones(COUNT, 16, 9, dtype=torch.complex64), torch.zeros(COUNT, 16, 9))
    sums.insert(nothing, particles(16)[2])
    assert not any(bool(part.sums.any()) for part in sums.parts)


def test_an_installation_that_cannot_be_written_compiles_for_itself(tmp_path: Path) -> None:
    """Copied where neither its folder nor the user's cache can be made, the loop still runs."""
    package = tmp_path / "cryosense"
    shutil.copytree(Path(__file__).parents[2] / "cryosense", package, ignore=shutil.ignore_patterns("__pycache__"))
    # A file stands where each directory would be: that also stops root.
    (package / "volumes" / "__pycache__").write_text("")
    (tmp_path / "home").write_text("")
    code = "import numba\nfrom cryosense.volumes import compiled\nprint(compiled.__file__, compiled.add_slices._cache)"
    home = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "home"), "PYTHONPATH": str(tmp_path)}
    home |= {"PYTHONDONTWRITEBYTECODE": "1"}
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"} | home
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert str(tmp_path) in done.stdout
    assert "NullCache" in done.stdout
