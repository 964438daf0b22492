"""What is said of how runs were made."""

import json
from pathlib import Path

import yaml

from cryosense.reporting.report.making import how_made
from cryosense.runs.provenance import FILE, begin_session, end_session

KILLED = {"started": "2026-01-01T10:00:00+00:00", "ended": None}
WHOLE = {"started": "2026-01-01T11:00:00+00:00", "ended": "2026-01-01T11:01:30+00:00"}


def write_config(run: Path, config: object) -> Path:
    run.mkdir()
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    return run


def test_keys_that_differ_are_told_from_those_that_all_runs_share(tmp_path: Path) -> None:
    one = write_config(tmp_path / "one", {"seed": 0, "operator": {"masks": "radial", "sectors": 100}})
    two = write_config(tmp_path / "two", {"seed": 0, "operator": {"masks": "ring"}})
    html = how_made([one, two])
    assert "1 keys that all runs share" in html
    assert "<pre>seed: 0</pre>" in html
    assert "the 2 keys in which they differ" in html
    assert '<th scope="row">two</th><td>not recorded</td><td></td><td>&quot;ring&quot;</td><td></td>' in html


def test_time_is_that_of_all_sessions_and_a_killed_one_is_marked(tmp_path: Path) -> None:
    run = write_config(tmp_path / "run", {"seed": 0})
    (run / FILE).write_text(json.dumps([KILLED, WHOLE]))
    assert "<td>2026-01-01 10:00:00</td><td>90+</td>" in how_made([run])


def test_software_and_hardware_are_counted(tmp_path: Path) -> None:
    runs = [write_config(tmp_path / name, {"seed": 0}) for name in "abc"]
    for run in runs[:2]:
        begin_session(run)
        end_session(run)
    html = how_made(runs)
    assert '<th scope="row">2</th>' in html
    assert '<th scope="row">1</th><td>not recorded</td>' in html
    assert "torch 2" in html
