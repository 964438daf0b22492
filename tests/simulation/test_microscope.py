"""Defocus: per micrograph, per particle, in its range."""

from dataclasses import replace

import pytest
import torch

from cryosense.simulation.microscope import Microscope


def test_defocus_follows_micrographs_and_range(microscope: Microscope) -> None:
    flat = replace(microscope, height_deviation_angstrom=0.0)
    ctf = flat.ctf_parameters(0, range(4000))
    mean = ((ctf.defocus_u_angstrom + ctf.defocus_v_angstrom) / 2).unflatten(0, (400, 10))
    assert torch.equal(mean, mean[:, :1].expand_as(mean))
    assert 8000 <= float(mean.min()) < 8200
    assert 19800 < float(mean.max()) <= 20000
    astigmatism = ctf.defocus_u_angstrom - ctf.defocus_v_angstrom
    assert 0 <= float(astigmatism.min()) <= float(astigmatism.max()) <= 300.01
    raised = microscope.ctf_parameters(0, range(4000))
    height = raised.defocus_u_angstrom - ctf.defocus_u_angstrom
    assert float(height.std()) == pytest.approx(200, rel=0.05)


def test_impossible_optics_name_their_key(microscope: Microscope) -> None:
    for key, value in (("voltage_kv", 0.0), ("amplitude_contrast", 1.0), ("defocus_range_angstrom", [2.0, 1.0])):
        with pytest.raises(ValueError, match=rf"microscope\.{key}"):
            replace(microscope, **{key: value})
