"""``cryosense simulate`` from the command line's side."""

from pathlib import Path

import mrcfile
import pytest
import starfile
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.simulate import main, simulate
from cryosense.runs.provenance import sessions

SMALL = ["box_size=32", "pixel_size_angstrom=7.0", "count=12", "density.resolution_angstrom=14.0"]


def composed(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose("simulate", overrides=[*SMALL, *overrides])


@pytest.mark.parametrize("density", ["builtin", "hinge_states", "hinge_continuum"])
def test_every_built_in_density_makes_a_data_set(tmp_path: Path, density: str) -> None:
    folder = simulate(composed(f"output_dir={tmp_path / 'set'}", f"density={density}", "noise_model=power_law"))
    with mrcfile.open(folder / "particles.mrcs") as mrc:
        assert mrc.data.shape == (12, 32, 32)
    assert len(starfile.read(folder / "clean.star")["particles"]) == 12
    states = {"builtin": 1, "hinge_states": 3, "hinge_continuum": 9}[density]
    assert len(list(folder.glob("volume*.mrc"))) == states
    recorded = yaml.safe_load((folder / "config.yaml").read_text())
    assert recorded["count"] == 12
    assert [session["ended"] is not None for session in sessions(folder)] == [True]
    assert "output_dir" not in recorded


def test_formats_of_pictures_make_no_other_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = simulate(composed(f"output_dir={tmp_path / 'set'}", "formats=[pdf,svg]"))
    assert {path.suffix for path in folder.glob("simulation.*")} == {".png", ".pdf", ".svg"}
    made = (folder / "simulation.png").stat().st_mtime_ns
    (folder / "simulation.pdf").unlink()  # not missed
    assert "skipped" not in capsys.readouterr().err
    simulate(composed(f"output_dir={tmp_path / 'set'}"))
    assert f"cryosense simulate: {tmp_path / 'set'}: skipped, it is done already" in capsys.readouterr().err
    assert (folder / "simulation.png").stat().st_mtime_ns == made
    with pytest.raises(ValueError, match="formats=gif: one of png, pdf, svg"):
        simulate(composed(f"output_dir={tmp_path / 'other'}", "formats=[gif]"))
    assert not (tmp_path / "other").exists()


def test_many_molecules_under_varied_conditions(tmp_path: Path) -> None:
    """Chains that are made up, so that no structures need be installed."""
    library = ["density=library", "density.made_up_share=1", "density.molecules=2", "density.forms=[part]"]
    drawn = ["simulator=varied", "microscope.particles_per_micrograph=4", "pixel_size_angstrom=[4,8]"]
    folder = simulate(composed(f"output_dir={tmp_path / 'set'}", *library, *drawn))
    recorded = yaml.safe_load((folder / "config.yaml").read_text())
    assert recorded["snr"] == [0.02, 1.0]
    assert len(starfile.read(folder / "clean.star")["optics"]) == 3
    assert (folder / "labels.csv").read_text().count("made up") == 24  # 12 particles: molecule and fold
    assert (folder / "simulation.png").stat().st_size > 10_000


def test_the_command_leaves_nothing_but_its_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["cryosense simulate", "output_dir=set", *SMALL]
    monkeypatch.setattr("sys.argv", arguments)
    main()
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
    monkeypatch.setattr("sys.argv", [*arguments, "snr=0.3"])
    with pytest.raises(SystemExit, match=r"^cryosense simulate: set holds a run of another configuration"):
        main()


def test_unusable_values_end_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for override, message in (
        ("snr=0", "snr must be positive"),
        ("density=map", "density.path"),
        ("box_size=16", "needs a box of"),
        ("noise_model=power_law_range", "noise_model is drawn for each micrograph"),
    ):
        monkeypatch.setattr("sys.argv", ["cryosense simulate", "output_dir=set", *SMALL[1:3], override])
        with pytest.raises(SystemExit, match=message):
            main()
    assert list(tmp_path.iterdir()) == []
