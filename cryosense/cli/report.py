"""The verb ``cryosense report <directory>``: all runs and maps below a directory as one HTML file."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig

from cryosense.cli.collect import of_methods
from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.positional import in_full
from cryosense.cli.refusal import one_line
from cryosense.cli.running import check_endings, writing
from cryosense.files.limits import shown
from cryosense.metrics.row_columns import SCHEMA
from cryosense.reporting.report.page import Report, write_report
from cryosense.reporting.tables.collect import NoRunError, collect, in_words
from cryosense.reporting.tables.collected_maps import finished_maps
from cryosense.reporting.tables.examples import Example, read_examples
from cryosense.reporting.tables.map_lines import map_lines
from cryosense.reporting.tables.run_tables import RunTables


def report(cfg: DictConfig) -> Path:
    """Write the report and return its file. Raises NoRunError if there are neither runs nor maps."""
    check_endings({"output": cfg.output}, ".html", ".htm")
    directory = Path(cfg.directory)
    maps, damaged = finished_maps(directory)
    missing = list(damaged)
    tables: RunTables | None = None
    examples: list[Example] = []
    try:
        collected = collect(directory)
    except NoRunError:
        if not maps:
            raise
    else:
        tables = RunTables.of(collected, maps, instantiate(cfg.guidance), cfg.columns_per_table)
        examples = of_methods(read_examples(collected.runs, tables.collected.rows)[0], cfg.methods)
        missing += collected.left_out
    content = Report(
        name=shown(directory.resolve().name),
        tables=tables,
        maps=maps,
        map_lines=map_lines(maps, [], SCHEMA.empty_table().to_pandas()) if tables is None else tables.maps,
        examples=examples,
        left_out=in_words(missing),
        made=f"made {datetime.now(UTC):%Y-%m-%d %H:%M} UTC by cryosense {version('cryosense')}",
        level=cfg.level,
        most_operators=cfg.most_operators,
        most_maps=cfg.most_maps,
    )
    with writing(cfg.output):
        write_report(Path(cfg.output), content)
    return Path(cfg.output)


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="report")
def _report(cfg: DictConfig) -> None:
    with one_line("report"):
        print(report(cfg))


def main() -> None:
    """Report on what the command line names; input that cannot be used ends in one line that says why."""
    sys.argv[1:] = in_full("report", sys.argv[1:])
    _report()
