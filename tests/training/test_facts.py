"""What a model states of its training images."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch

from cryosense.data import AsIs, ParticleStack, StackWriter, write_star
from cryosense.denoisers.pipelines import FACTS
from cryosense.training.facts import write_facts


@pytest.mark.parametrize(("second", "stated"), [(2.0, 2.0), (3.5, [2.0, 3.5])])
def test_pixel_sizes_that_differ_are_stated_as_a_range(tmp_path: Path, second: float, stated: object) -> None:
    images = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    with StackWriter(tmp_path / "a.mrcs", 4, 8, None) as writer:
        writer.write(0, images)
        writer.finish()
    particles = pd.DataFrame({"rlnOpticsGroup": [1, 2, 1, 2]})
    sizes = {"rlnOpticsGroup": [1, 2], "rlnOpticsGroupName": ["a", "b"], "rlnImagePixelSize": [2.0, second], "rlnImageSize": 8}
    write_star(tmp_path / "a.star", tmp_path / "a.mrcs", particles, pd.DataFrame(sizes), box_size=8, pixel_size_angstrom=None)
    write_facts(tmp_path, ParticleStack.open(tmp_path / "a.star"), AsIs(), 2)
    facts = json.loads((tmp_path / FACTS).read_text())
    assert facts["pixel_size_angstrom"] == stated
    assert facts["mean"] == pytest.approx(float(images.mean()), abs=1e-6)
