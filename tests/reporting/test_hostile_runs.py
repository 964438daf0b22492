"""Run directories made to do harm: each is named in one line, in bounded time and memory, and the rest is collected."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hydra import compose, initialize_config_dir

from cryosense.cli.collect import gather
from cryosense.cli.conf_dir import conf_dir
from cryosense.errors import NoRunError
from cryosense.metrics.score_table import SCHEMA
from cryosense.reporting.report.making import how_made
from cryosense.reporting.tables.collect import collect, in_words
from cryosense.reporting.tables.collected_maps import finished_maps
from cryosense.reporting.tables.examples import read_examples
from cryosense.reporting.tables.formats import text_table
from cryosense.reporting.tables.map_lines import map_lines, map_words
from cryosense.reporting.tables.summary import summarise
from tests.bounds import bounded
from tests.reporting.tables.test_collected_maps import write_map
from tests.tasks.runs import IMAGES, PIXEL, write_run

DEEP = "[" * 100_000 + "]" * 100_000
NESTED = '{"run_id": ' * 500 + "1" + "}" * 500
LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))


def fifo(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def device(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")


def changed(**columns: object) -> Callable[[Path], None]:
    """Rows with columns replaced: one value for all, or a list."""

    def change(run: Path) -> None:
        table = pq.read_table(run / "rows.parquet")
        for name, value in columns.items():
            values = value if isinstance(value, list) else [value] * len(table)
            table = table.set_column(table.schema.get_field_index(name), name, pa.array(values, SCHEMA.field(name).type))
        pq.write_table(table, run / "rows.parquet")

    return change


def many_rows(codec: str) -> Callable[[Path], None]:
    def change(run: Path) -> None:
        one = pq.read_table(run / "rows.parquet").slice(0, 1)
        rows = 2_000_000 if codec == "snappy" else 20_000
        columns = {f.name: pa.repeat(one[f.name][0], rows) for f in SCHEMA}
        pq.write_table(pa.table(columns, schema=SCHEMA), run / "rows.parquet", compression=codec)

    return change


def large_page(run: Path) -> None:
    table = pq.read_table(run / "rows.parquet")
    table = table.append_column("extra", pa.array([b"\0" * 50_000_000] * len(table)))
    pq.write_table(table, run / "rows.parquet", compression="zstd")


RUNS: dict[str, Callable[[Path], object]] = {
    "deep done.json": lambda run: (run / "done.json").write_text(DEEP),
    "nested done.json": lambda run: (run / "done.json").write_text(NESTED),
    "huge done.json": lambda run: os.truncate(run / "done.json", 2**33),
    "pipe as done.json": lambda run: fifo(run / "done.json"),
    "device as rows": lambda run: device(run / "rows.parquet"),
    "pipe as rows": lambda run: fifo(run / "rows.parquet"),
    "sparse rows": lambda run: os.truncate(run / "rows.parquet", 2**40),
    "rows that repeat": many_rows("snappy"),
    "rows of another codec": many_rows("zstd"),
    "a large page": large_page,
    "null particles": changed(particle=None),
    "null compression": changed(compression_nominal=None),
    "null method": changed(reconstructor=None),
    "NaN compression": changed(compression_dof=float("nan")),
    "huge compression": changed(compression_nominal=1e300),
    "no compression": changed(compression_dof=0.0),
    "no samples": changed(samples=0, nfe=20, sampler="dps"),
    "infinite weight": changed(weight=float("inf")),
    "two runs in one": changed(run_id=["a", "b"] * (IMAGES // 2)),
    "many operators": changed(masks=[f"m{i}" for i in range(IMAGES)]),
    "a name of 2 MB": changed(data="n" * 2_000_000),
    "a method of 2 MB": changed(reconstructor="m" * 2_000_000),
}
# These count, for their rows are good: what else is in them is named, or shown as what it is.
BESIDE: dict[str, Callable[[Path], object]] = {
    "pipe as example": lambda run: fifo(run / "example.npz"),
    "example of one dimension": lambda run: np.savez(
        run / "example.npz", particle=2, image=np.ones(9), measurement=np.ones(9)
    ),
    "deep summary": lambda run: (run / "summary.json").write_text(DEEP),
    "laughing config": lambda run: (run / "config.yaml").write_text(LAUGHS),
    "deep config": lambda run: (run / "config.yaml").write_text(DEEP),
    "pipe as config": lambda run: fifo(run / "config.yaml"),
    "pipe as provenance": lambda run: fifo(run / "provenance.json"),
    "deep provenance": lambda run: (run / "provenance.json").write_text(DEEP),
}
MAPS: dict[str, Callable[[Path], object]] = {
    "pipe as curves": lambda folder: fifo(folder / "fsc.csv"),
    "wide curves": lambda folder: (folder / "fsc.csv").write_text(",".join(map(str, range(10**6))) + "\n"),
    "sparse curves": lambda folder: os.truncate(folder / "fsc.csv", 2**40),
    "infinite shells": lambda folder: (folder / "fsc.csv").write_text("frequency_per_angstrom,corrected\n0,1\ninf,1\n"),
    "infinite worth": lambda folder: (folder / "done.json").write_text(
        '{"particles": 3, "equivalent_particles": {"cross": Infinity}}'
    ),
    "deep map": lambda folder: (folder / "done.json").write_text(DEEP),
}


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
