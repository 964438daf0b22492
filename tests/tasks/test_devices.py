"""Maps and measurement files made on another device are those of the CPU."""

from contextlib import nullcontext
from pathlib import Path

import pytest
import torch

from cryosense.data import ParticleSource
from cryosense.measurement import Design, FourierDesign
from cryosense.tasks.maps import backprojection as maps
from cryosense.tasks.maps.assessment import Findings, Reconstruction
from tests.devices import ON_EACH_DEVICE, there
from tests.measurement.file.stacks import write_many
from tests.measurement.file.test_file import DESIGNS, QUANTISERS, make, measuring
from tests.tasks.maps.test_backprojection import backprojection, nothing
from tests.tasks.stacks import write_stack

CPU = torch.device("cpu")


def made_on(device: torch.device, star: Path, design: Design | None, patch: pytest.MonkeyPatch) -> Reconstruction:
    patch.setattr(maps, "device_named", lambda name: device)
    task = backprojection(star, design=design, bootstrap=3)
    alignments, usable = task.check(), torch.arange(len(task.images))
    folder = star.parent / device.type
    sums = task.accumulate(folder, alignments, usable, nothing)
    assert sums.measured.device.type == device.type
    assert torch.load(folder / "sums.pt", weights_only=True)["measured"].device == CPU
    return task.maps(sums, alignments, usable)


def judged(made: Reconstruction, star: Path) -> Findings:
    return backprojection(star, bootstrap=3).assessment.judge(made)


@pytest.mark.parametrize("design", [None, FourierDesign(per_particle=True)], ids=["images", "masks"])
@ON_EACH_DEVICE
def test_maps_agree(design: Design | None, device: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    star = write_stack(tmp_path)
    expected = made_on(CPU, star, design, monkeypatch)
    table = judged(expected, star).table
    with there(device) as somewhere:
        found = made_on(somewhere, star, design, monkeypatch)
        assert found.full_map.device == CPU
        other = judged(found, star).table
    for one, same in zip((*expected.halves, expected.full_map), (*found.halves, found.full_map), strict=True):
        torch.testing.assert_close(same, one, atol=1e-4 * float(one.abs().max()), rtol=1e-4)
    torch.testing.assert_close(
        torch.tensor(other.to_numpy()), torch.tensor(table.to_numpy()), atol=1e-3, rtol=1e-3, equal_nan=True
    )


@pytest.mark.parametrize("quantiser", QUANTISERS)
@pytest.mark.parametrize("design", ["radial", "binary_each"])
@ON_EACH_DEVICE
def test_measurement_files_agree(design: str, quantiser: str, device: str, tmp_path: Path) -> None:
    """On the pretended device bit for bit; on another numbers are rounded differently, and the file is as long."""
    source = ParticleSource.open(write_many(tmp_path, 70), None, None, None, None, None)
    written = []
    for place in ("cpu", device):
        with nullcontext(CPU) if place == "cpu" else there(place) as somewhere:
            path = tmp_path / f"{place}.cryo.h5"
            make(path, measuring(source, DESIGNS[design](), QUANTISERS[quantiser](), device=somewhere))
            written.append(path.read_bytes())
    if device == "pretended":
        assert written[0] == written[1]
    else:
        assert abs(len(written[0]) / len(written[1]) - 1) < 0.01
