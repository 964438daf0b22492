"""Run directories made to do harm: each is named in one line, in bounded time and memory, and the rest is collected."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from hydra import compose, initialize_config_dir

from cryosense.cli.collect import gather
from cryosense.cli.conf_dir import conf_dir
from cryosense.errors import NoRunError
from cryosense.metrics.row_columns import SCHEMA
from cryosense.reporting.report.making import how_made
from cryosense.reporting.tables.collect import collect, in_words
from cryosense.reporting.tables.collected_maps import finished_maps
from cryosense.reporting.tables.examples import read_examples
from cryosense.reporting.tables.formats import text_table
from cryosense.reporting.tables.map_lines import map_lines, map_words
from cryosense.reporting.tables.summary import summarise
from tests.bounds import bounded
from tests.reporting.hostile_runs import BESIDE, MAPS, RUNS, changed
from tests.reporting.tables.test_collected_maps import write_map
from tests.tasks.runs import IMAGES, PIXEL, write_run


def found_below(directory: Path) -> str:
    """What both verbs read below a directory, in words: runs and maps, then what is left out."""
    maps, damaged = finished_maps(directory)
    lines = [f"maps: {len(maps)}", *in_words(damaged)]
    map_words(map_lines(maps, [], SCHEMA.empty_table().to_pandas()))
    how_made(each.directory for each in maps)
    try:
        runs = collect(directory)
    except NoRunError:
        return "\n".join(lines)
    examples, without = read_examples(runs.runs, runs.rows)
    how_made(runs.runs)
    text_table(summarise(runs.rows, resamples=20, level=0.95, seed=0), 0.95)
    return "\n".join([*lines, f"runs: {len(runs.runs)}", f"examples: {len(examples)}", *in_words([*runs.left_out, *without])])


def sweep(directory: Path) -> Path:
    write_run(directory / "good", PIXEL, "pinv", kept=8)
    return write_run(directory / "bad", PIXEL, "tv", kept=8)


@pytest.mark.parametrize("name", RUNS)
def test_a_run_that_cannot_be_counted_is_named_and_the_rest_collected(name: str, tmp_path: Path) -> None:
    RUNS[name](sweep(tmp_path))
    outcome = bounded(lambda: found_below(tmp_path))
    assert outcome.error is None
    assert outcome.said.startswith("maps: 0\nruns: 1\nexamples: 1\n")
    [line] = outcome.said.splitlines()[3:]
    assert line.startswith(f"{tmp_path / 'bad'}: ")
    assert len(line) < 1500


@pytest.mark.parametrize("name", BESIDE)
def test_what_lies_beside_good_rows_stops_nothing(name: str, tmp_path: Path) -> None:
    BESIDE[name](sweep(tmp_path))
    outcome = bounded(lambda: found_below(tmp_path))
    assert outcome.error is None
    without_example = "example" in name or "summary" in name
    assert outcome.said.startswith(f"maps: 0\nruns: 2\nexamples: {2 - without_example}")
    assert len(outcome.said.splitlines()) == 3 + without_example


@pytest.mark.parametrize("name", MAPS)
def test_a_map_that_cannot_be_read_is_named_and_the_others_shown(name: str, tmp_path: Path) -> None:
    write_map(tmp_path / "good", 7.0, crossed=True)
    write_map(tmp_path / "bad", 7.0)
    MAPS[name](tmp_path / "bad")
    outcome = bounded(lambda: found_below(tmp_path))
    assert outcome.error is None
    first, line = outcome.said.splitlines()
    assert first == "maps: 1"
    assert line.startswith(f"{tmp_path / 'bad'}: damaged: ")


def test_a_map_of_a_reconstruction_that_lies_about_itself_is_shown_without_it(tmp_path: Path) -> None:
    write_map(tmp_path / "maps", 7.0)
    (tmp_path / "run").mkdir()
    facts = {"run_id": "r", "data": {"a": 1}, "reconstructor": "m" * 10**6, "compression_nominal": 1e300, "samples": 0}
    (tmp_path / "run" / "summary.json").write_text(json.dumps(facts))
    (tmp_path / "maps" / "config.yaml").write_text(json.dumps({"data": {"path": str(tmp_path / "run" / "particles.star")}}))
    assert bounded(lambda: found_below(tmp_path / "maps")).said == "maps: 1"


def test_names_are_shown_and_obeyed_by_no_reader(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = '=HYPERLINK("http://a.b")|<script>x</script>\x1b[2J\r\n[a](b) \\input{x}'
    changed(data=hostile, masks=hostile)(sweep(tmp_path / "runs"))
    words = [f"directory='{tmp_path / 'runs'}'", "guidance.resamples=20"]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        gather(compose("collect", overrides=words))
    printed = capsys.readouterr().out
    assert "=HYPERLINK" in printed
    assert not set(printed) & set(map(chr, (*range(10), *range(11, 32), 127)))
    for name in ("table.md", "paper.md"):
        text = (tmp_path / "runs" / name).read_text()
        assert r"\|\<script\>x\</script\>\\x1b\[2J\\r\\n\[a\](b)" in text
    for name in ("table.csv", "paper.csv"):
        cells = pd.read_csv(tmp_path / "runs" / name)[["data", "masks"]].to_numpy().ravel()
        assert {cell[0] for cell in cells if "HYPERLINK" in cell} == {"'"}
    assert r"\textbackslash{}x1b{[}2J" in (tmp_path / "runs" / "paper.tex").read_text()


@pytest.mark.slow
def test_both_verbs_go_through_all_of_them_at_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    runs, out = tmp_path / "runs", tmp_path / "out"
    out.mkdir()
    write_run(runs / "good", PIXEL, "pinv", kept=8)
    for number, spoil in enumerate([*RUNS.values(), *BESIDE.values()]):
        spoil(write_run(runs / f"run {number}", PIXEL, "tv", kept=8))
    write_map(runs / "maps" / "good", 7.0, crossed=True)
    for number, spoil in enumerate(MAPS.values()):
        folder = runs / "maps" / f"map {number}"
        write_map(folder, 7.0)
        spoil(folder)
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    command = [sys.executable, "-c", "import sys; from cryosense.cli.main import main; sys.exit(main())"]
    subprocess.run([*command, "collect", str(runs), f"table_markdown={out}/t.md"], check=True, env=environment)
    subprocess.run([*command, "report", str(runs), f"output={out}/report.html"], check=True, env=environment)
    printed = capfd.readouterr()
    assert "Traceback" not in printed.err
    assert f"{1 + len(BESIDE)} runs, {(1 + len(BESIDE)) * IMAGES} rows" in printed.out
    assert len([line for line in printed.out.splitlines() if line.startswith("not in the table: ")]) == len(RUNS) + len(MAPS)
    page = (out / "report.html").read_text()
    assert all(f"run {number}: " in page for number in range(len(RUNS)))
