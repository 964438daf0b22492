"""Pages say what is true: commands compose, links lead somewhere, Python runs, the front page is short."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.help.comments import read
from cryosense.cli.help.page import examples_of
from cryosense.cli.main import VERBS
from tests.cli.verbs import run_verb
from tests.docs.pages import NAMES, PAGES, ROOT, blocks, commands

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
TARGETS = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
EXAMPLES = [example.split() for verb in VERBS for example in examples_of(read(conf_dir() / f"{verb}.yaml").header)]
SHOWN = [words for page in PAGES for words in commands(page)]
OF_CRYOSENSE = [words[1:] for words in (*SHOWN, *EXAMPLES) if words[0] == "cryosense"]


def anchors(page: Path) -> set[str]:
    """Of headings, as the site makes them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_the_front_page_is_short() -> None:
    assert len((ROOT / "README.md").read_bytes()) <= 6144


def test_every_command_is_one_that_is_known() -> None:
    others = [words for words in SHOWN if words[0] != "cryosense"]
    known = {"make": TARGETS, "pip": ["install"], "pre-commit": ["install"], "python": None, "git": ["clone"]}
    for words in others:
        assert words[0] in known, words
        allowed = known[words[0]]
        assert (ROOT / words[1]).is_file() if allowed is None else words[1] in allowed, words


@pytest.mark.parametrize("words", OF_CRYOSENSE, ids=" ".join)
def test_every_command_composes(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its verb, choices and keys are there; that it works is for the slow tier."""
    monkeypatch.chdir(tmp_path)
    if "--config-dir" in words:  # what an earlier command makes
        for choice in ("operator/masks/uniform.yaml", "quantiser/uniform.yaml"):
            folder = tmp_path / words[words.index("--config-dir") + 1] / Path(choice).parent
            folder.mkdir(parents=True)
            (folder / "designed.yaml").write_text((conf_dir() / choice).read_text())
    asking = {"--help", "--version", "--completion", "--cfg"} & set(words)
    if "-m" in words and not asking:  # the first cell of a sweep, whose configuration alone can be shown
        words = [word.partition(",")[0] for word in words if word != "-m"]
    assert not run_verb(monkeypatch, *words, *([] if asking else ["--cfg", "job"]))
    assert capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    for pair in LINK.findall(page.read_text()):
        link = pair[0] or pair[1]
        where, _, anchor = link.partition("#")
        if link.startswith(("http", "mailto")) or where.startswith(("api/", "cli/", "../api/", "../cli/")):
            continue
        target = (page.parent / where) if where else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize(
    ("name", "number"),
    [(name, i) for name, page in zip(NAMES, PAGES, strict=True) for i in range(len(blocks(page, "python")))],
)
def test_python_runs(name: str, number: int, tmp_path: Path) -> None:
    code = blocks(ROOT / name, "python")[number]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
