"""The verb ``cryosense collect <directory>``: all rows below a directory as tables and one picture."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.positional import in_full
from cryosense.cli.refusal import one_line
from cryosense.cli.running import PICTURES, check_endings, check_formats, save, writing
from cryosense.errors import ArgumentError
from cryosense.files.tables import write_csv
from cryosense.files.writing import write_text
from cryosense.reporting.figures.pictures import picture
from cryosense.reporting.style import plain_text
from cryosense.reporting.tables.collect import Collected, NoRunError, check_directory, collect, in_words
from cryosense.reporting.tables.collected_maps import FinishedMap, finished_maps, map_curves, resolution_lines
from cryosense.reporting.tables.examples import Example, read_examples
from cryosense.reporting.tables.formats import markdown_table, text_table
from cryosense.reporting.tables.listing import left_out, page
from cryosense.reporting.tables.paper_latex import paper_latex
from cryosense.reporting.tables.run_tables import RunTables
from cryosense.reporting.tables.summary import base_name

ENDINGS = {
    ".csv": ("table_csv", "paper_csv", "maps_csv"),
    ".md": ("table_markdown", "paper_markdown"),
    ".tex": ("paper_latex",),
}


def gather(cfg: DictConfig) -> None:
    """Print the tables of runs and of maps, write them and their pictures, and list the runs that are left out.

    Raises:
        NoRunError: neither runs nor maps.
    """
    check_directory(Path(cfg.directory))
    check_formats(cfg.formats)
    for ending, keys in ENDINGS.items():
        check_endings({key: cfg[key] for key in keys}, ending)
    check_endings({key: cfg[key] for key in ("picture", "maps_picture")}, *PICTURES)
    maps, damaged = finished_maps(Path(cfg.directory))
    with plain_text(), writing(cfg.table_csv):
        if maps:
            gather_maps(maps, cfg)
        for line in in_words(damaged):
            print(f"not in the table: {line}")
        try:
            collected = collect(Path(cfg.directory))
        except NoRunError:
            if not maps:
                raise
        else:
            gather_runs(collected, maps, cfg)


def gather_maps(maps: list[FinishedMap], cfg: DictConfig) -> None:
    """Print the resolutions of back-projections, and write them and their curves."""
    lines = resolution_lines(maps)
    print(lines.to_string(index=False))
    write_csv(Path(cfg.maps_csv), lines)
    pictures = save(map_curves(maps), Path(cfg.maps_picture), cfg.formats)
    print(f"{len(maps)} maps; wrote {', '.join([cfg.maps_csv, *pictures])}\n")


def gather_runs(collected: Collected, maps: list[FinishedMap], cfg: DictConfig) -> None:
    """Print the table of reconstructions, write all tables and the picture, and list the runs that are left out."""
    tables = RunTables.of(collected, maps, instantiate(cfg.guidance), cfg.columns_per_table)
    examples, without_example = read_examples(collected.runs, tables.collected.rows)
    examples = of_methods(examples, cfg.methods)
    print(text_table(tables.lines, cfg.level))
    write_csv(Path(cfg.table_csv), tables.lines)
    write_text(Path(cfg.table_markdown), markdown_table(tables.lines, cfg.level))
    write_csv(Path(cfg.paper_csv), tables.wide)
    write_text(Path(cfg.paper_markdown), page(tables, cfg.level))
    write_text(Path(cfg.paper_latex), paper_latex(tables.tables, cfg.level))
    written = [cfg.table_csv, cfg.table_markdown, cfg.paper_csv, cfg.paper_markdown, cfg.paper_latex]
    if examples:
        written += save(picture(examples, most_operators=cfg.most_operators), Path(cfg.picture), cfg.formats)
    for line in left_out(tables):
        print(f"not in the table: {line}")
    for line in in_words(without_example):
        print(f"not in the picture: {line}")
    print(f"{len(collected.runs)} runs, {len(collected.rows)} rows; wrote {', '.join(written)}")


def of_methods(examples: list[Example], methods: Sequence[str]) -> list[Example]:
    """Return those of some methods, by their names on the command line; all where none is named. Raises ArgumentError."""
    known = {base_name(str(each.row["reconstructor"])) for each in examples}
    missing = [name for name in methods if name not in known]
    if missing and examples:
        raise ArgumentError(f"methods={missing[0]}: no run here; there are {', '.join(sorted(known))}")
    return [each for each in examples if not methods or base_name(str(each.row["reconstructor"])) in methods]


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="collect")
def _collect(cfg: DictConfig) -> None:
    with one_line("collect"):
        gather(cfg)


def main() -> None:
    """Collect what the command line names; input that cannot be used ends in one line that says why."""
    sys.argv[1:] = in_full("collect", sys.argv[1:])
    _collect()
