"""The site builds strictly; every link and anchor of it, the made pages included, leads somewhere."""

import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.pages import ROOT


class Links(HTMLParser):
    """What a page links to, and what can be linked to in it."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.text: list[str] = []
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.anchors |= {value for key in ("id", "name") if (value := named.get(key))}
        link = named.get("href" if tag in {"a", "link"} else "src")
        if link and tag in {"a", "img", "script", "link"}:
            self.links.add(link)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing is left in the checkout."""
    pytest.importorskip("zensical")
    pytest.importorskip("mkdocstrings")
    folder = tmp_path_factory.mktemp("site")
    for name in ("docs", "cryosense", "conf"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"))
    for name in ("zensical.toml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, folder / name)
    subprocess.run([sys.executable, "docs/generate.py"], cwd=folder, check=True)
    subprocess.run([sys.executable, "-m", "zensical", "build", "--clean", "--strict"], cwd=folder, check=True)
    return folder / "site"


def test_links_and_anchors(site: Path) -> None:
    pages = {path: Links(path) for path in site.rglob("*.html") if path.name != "404.html"}
    broken = []
    for page, found in pages.items():
        for link in found.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            target = target / "index.html" if target.is_dir() else target
            lost = parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors
            if lost or not target.exists():
                broken.append(f"{page.relative_to(site)}: {link}")
    assert len(pages) > 40
    assert not broken


def test_the_api_has_every_public_name(site: Path) -> None:
    import cryosense as cs

    anchors = {anchor for page in (site / "api").glob("*.html") for anchor in Links(page).anchors}
    modules = {name: getattr(getattr(cs, name), "__module__", "") for name in dir(cs) if not name.startswith("_")}
    expected = {f"{module}.{name}" for name, module in modules.items() if module.startswith("cryosense.")}
    assert len(expected) > 30
    assert expected <= anchors
