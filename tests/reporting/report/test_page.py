"""The whole page: what is in it, and that nothing in it leaves it or was smuggled into it."""

import json
from html.parser import HTMLParser
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import yaml

from cryosense.metrics.row_columns import SCHEMA
from cryosense.reporting.report.page import Report
from cryosense.reporting.tables.collect import collect, in_words
from cryosense.reporting.tables.collected_maps import finished_maps
from cryosense.reporting.tables.examples import read_examples
from cryosense.reporting.tables.guidance import Guidance
from cryosense.reporting.tables.map_lines import map_lines
from cryosense.reporting.tables.run_tables import RunTables
from tests.reporting.tables.test_collected_maps import write_map
from tests.tasks.runs import PIXEL, RADIAL, write_run, write_sweep

HOSTILE = "<img src=x onerror=alert(1)>\"'&$\\x$_"  # the last of it is no formula either
VOID = {"img", "link", "meta"}


class Page(HTMLParser):
    """Elements with their attributes, the text between them, and whether every element ends where it should."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.open = "", list[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.open += [] if tag in VOID else [tag]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def report_of(directory: Path) -> Page:
    collected, (maps, _) = collect(directory), finished_maps(directory)
    missing = in_words(collected.left_out)
    tables = RunTables.of(collected, maps, Guidance([2, 4], resamples=50, level=0.95, seed=0), 6)
    examples, _ = read_examples(collected.runs, collected.rows)
    return Page(Report(directory.name, tables, maps, tables.maps, examples, missing, "made today", 0.95, 8, 8).html())


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """Of a sweep in a directory with a hostile name, with hostile names of masks and method, a hostile error, and maps."""
    directory = tmp_path_factory.mktemp("reports") / HOSTILE
    write_sweep(directory)
    write_run(directory / f"run {HOSTILE}", PIXEL | {"compression_nominal": 4.0, "masks": HOSTILE}, HOSTILE, kept=8)
    for kept, compression in ((8, 4.0), (6, 8.0)):
        write_run(directory / f"pinv {kept}", PIXEL | {"compression_nominal": compression}, "pinv", kept=kept)
    (directory / "failed").mkdir()
    (directory / "failed" / "error.json").write_text(json.dumps({"error": HOSTILE, "type": "ValueError"}))
    (directory / "pinv 8" / "config.yaml").write_text(json.dumps({"seed": 0, HOSTILE: {"path": HOSTILE}}))
    write_map(directory / "maps" / f"a{HOSTILE}", 8.0, crossed=True)
    with mrcfile.new(directory / "maps" / f"a{HOSTILE}" / "map.mrc") as mrc:
        mrc.set_data(np.random.default_rng(0).normal(size=(8, 8, 8)).astype(np.float32))
    return report_of(directory)


def test_it_needs_nothing_but_itself(page: Page) -> None:
    assert page.open == []
    assert not {"script", "iframe", "object", "embed", "form", "base", "svg"} & {tag for tag, _ in page.elements}
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        source = attributes.get("src") or attributes.get("href") or ""
        assert source == "" or source.startswith(("data:", "#")), (tag, attributes)
        assert "url(" not in (attributes.get("style") or "")
    assert "@import" not in page.text
    assert "url(" not in page.text
    [policy] = [a["content"] for tag, a in page.elements if tag == "meta" and a.get("http-equiv")]
    assert policy is not None
    assert policy.startswith("default-src 'none'")


def test_hostile_names_are_text_wherever_they_come_from(page: Page) -> None:
    assert all(attributes.get("src", "").startswith("data:") for tag, attributes in page.elements if tag == "img")
    assert f"cryosense report: {HOSTILE}" in page.text
    assert f"failed: ValueError: {HOSTILE}" in page.text
    assert f"maps/a{HOSTILE}" in page.text
    assert f"lpips: {HOSTILE}" not in page.text  # scores that no row has get no table
    assert f"psnr: made_up, pixel, {HOSTILE}" in page.text


def test_every_part_is_there(page: Page) -> None:
    titles = [a["id"] for tag, a in page.elements if tag == "h2"]
    assert [a["href"] for tag, a in page.elements if tag == "a"] == [f"#{each}" for each in titles]
    for title in (
        "What to use, what it costs",
        "Summary",
        "Which prior where",
        "Maps",
        "Curves",
        "Images",
        "Tables",
        "Not in the tables",
        "How it was made",
        "How the maps were made",
    ):
        assert title in page.text
    captions = [str(a["alt"]) for tag, a in page.elements if tag == "img"]
    pictures = ["fourier", "pixel", "pixel"]  # of five operators, two in each
    assert [caption.split(":")[0].split(" ")[0] for caption in captions] == ["FSC", "Section", "made_up,", *pictures]


def test_maps_of_samples_whose_rows_are_elsewhere_have_a_report(tmp_path: Path) -> None:
    posterior = {"reconstructor": "posterior", "prior": "ddpm", "sampler": "stationary", "samples": 4}
    run = tmp_path / "elsewhere" / "posterior"
    run.mkdir(parents=True)
    (run / "summary.json").write_text(json.dumps({"run_id": "p", "data": "made_up"} | RADIAL | posterior))
    write_map(tmp_path / "maps", 8.0)
    (tmp_path / "maps" / "config.yaml").write_text(yaml.safe_dump({"data": {"path": str(run / "particles.star")}}))
    maps = finished_maps(tmp_path / "maps")[0]
    lines = map_lines(maps, [], SCHEMA.empty_table().to_pandas())
    assert lines.loc[0, "sampler"] == "stationary"
    assert "posterior ddpm" in Page(Report("maps", None, maps, lines, [], [], "made today", 0.95, 8, 8).html()).text


def test_maps_alone_have_a_report(tmp_path: Path) -> None:
    write_map(tmp_path / "maps", 8.0)
    maps = finished_maps(tmp_path)[0]
    lines = map_lines(maps, [], SCHEMA.empty_table().to_pandas())
    page = Page(Report("maps", None, maps, lines, [], [], "made today", 0.95, 8, 8).html())
    assert "8.00 Å" in page.text
    assert "No section of maps: " in page.text
    assert "Tables" not in page.text
