"""What is mistyped gets one line that names what was meant; what is right is let through."""

import re

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from cryosense.cli.help.catalogue import members
from cryosense.cli.help.typos import refuse_mistyped
from cryosense.errors import ConfigError

REFUSED = [
    ("reconstruct compresion=2", "no key 'compresion'; the nearest is compression"),
    ("reconstruct +compresion=2", "no key 'compresion'; the nearest is compression"),
    ("reconstruct ++operator.blocksize=4", "operator: no key 'blocksize'; the nearest is operator.block_size"),
    ("reconstruct block_size=4", "no key 'block_size'; the nearest is operator.block_size"),
    ("reconstruct operator.block_size=4", "operator.block_size is a key of operator=pixel: add that"),
    ("reconstruct operator=fourrier", "operator=fourrier: there is no such choice; the nearest is operator=fourier"),
    (
        "reconstruct operator/masks=random_binary",
        "operator/masks=random_binary is for operator=pixel, and operator=fourier",
    ),
    ("reconstruct operator=pixel operator/masks=radial", "operator/masks=radial is for operator=fourier, and operator=pixel"),
    ("reconstruct operator=signed_binning operator/masks=radial", "operator/masks=radial is for operator=fourier"),
    (
        "reconstruct reconstructor.samples=4",
        "reconstructor.samples is a key of reconstructor=learned_posterior or reconstructor=posterior: add that",
    ),
    ("reconstruct +anything=1", "no key 'anything'. cryosense reconstruct --help lists all"),
    ("reconstruct density=builtin", "density=builtin: reconstruct has no choice of density"),
    ("reconstruct seeed=1", "no key 'seeed'; the nearest is seed"),
    ("backproject symetry=D7", "no key 'symetry'; the nearest is symmetry"),
    ("simulate +microscope.voltage=200", "microscope: no key 'voltage'; the nearest is microscope.voltage_kv"),
    (
        "simulate microscope.box_size=128",
        "microscope: no key 'box_size'; the nearest is box_size, which is not in microscope. cryosense",
    ),
    ("simulate microscope.densty=map", "microscope: no key 'densty'; the nearest is density, which is not in microscope"),
    ("simulate noise_model.voltage_kv=200", "the nearest is microscope.voltage_kv, which is not in noise_model. cryosense"),
    ("reconstruct operator.maskss=uniform", "operator: no key 'maskss'; the nearest is operator/masks. cryosense"),
    ("reconstruct operator.block_sizee=4", "operator: no key 'block_sizee'; the nearest is operator.block_size. cryosense"),
    ("train network=unrolled_cnn", "network=unrolled_cnn is for model=unrolled, and model=ddpm: add model=unrolled"),
    ("train operator=pixel", "operator=pixel is a choice of model=unrolled: add that"),
    ("measure quantiser=by_shell quantiser.parts.7.last_shell=9", "no key 'quantiser.parts.7.last_shell'"),
    ("measure quantiser=by_shell quantiser.parts.1.last_shel=9", "no key 'quantiser.parts.1.last_shel'"),
    ("train model=unroled", "model=unroled: there is no such choice; the nearest is model=unrolled"),
]
LET_THROUGH = [
    "reconstruct compression=2 operator=pixel operator.block_size=8 operator/masks=checkerboard",
    "reconstruct operator=pixel,fourier operator.block_size=4",  # each cell is looked at by itself
    "reconstruct reconstructor=dct reconstructor.prior.basis._target_=my_lab.Basis",
    "reconstruct +experiment=demo_pixel ~design hydra.launcher.n_jobs=2",
    "reconstruct operator=mine operator.anything=3",  # a choice of one's own: only its file knows its keys
    "train +trainer.max_time=00:00:10:00",  # Lightning's own parameter
    "train model=unrolled model/loss=split network=unrolled_dct operator.per_particle=true",
    "simulate density=map density.path=a.mrc noise_model=power_law noise_model.exponent=2",
    "validate reconstructor=tv reconstructor.weight=0.1 scores.lpips=null",
    "measure ~design operator/masks=uniform",
    "measure quantiser=by_shell quantiser.parts.1.last_shell=9",
    "another_program a=1",
]


def look(line: str) -> None:
    verb, *words = line.split()
    overrides = OverridesParser.create().parse_overrides(words)
    refuse_mistyped(verb, overrides, lambda group: [*members(group), "mine"])


@pytest.mark.parametrize(("line", "said"), REFUSED)
def test_refused_in_one_line(line: str, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)) as refused:
        look(line)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("line", LET_THROUGH)
def test_let_through(line: str) -> None:
    look(line)
