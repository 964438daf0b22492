"""The page of licences names every package that the project asks for, under the licence that the package itself states."""

import re
import tomllib
from importlib import metadata

import pytest

from tests.docs.pages import ROOT

ROW = re.compile(r"^\| (`.*?) \| (.*?) \|", re.MULTILINE)
PAGE = {
    name: licence
    for names, licence in ROW.findall((ROOT / "docs" / "licences.md").read_text())
    for name in re.findall(r"`([\w.-]+)`", names.partition(" (")[0])
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OF_USERS = [re.match(r"[\w.-]+", each)[0] for each in PROJECT["dependencies"]]
OTHERS = [re.match(r"[\w.-]+", each)[0] for extra in PROJECT["optional-dependencies"].values() for each in extra]
FAMILIES = {
    "BSD": r"BSD",
    "MIT": r"\bMIT\b",
    "Apache": r"Apache",
    "MPL": r"MPL|Mozilla",
    "PSF": r"PSF|Python Software Foundation",
    "ISC": r"\bISC\b",
    "BSL": r"BSL",
    "EUPL": r"EUPL",
    "GPL": r"\b[AL]?GPL|General Public",
    "Zlib": r"Zlib",
    "CC0": r"CC0",
}


def families(text: str) -> set[str]:
    return {name for name, words in FAMILIES.items() if re.search(words, text)}


def stated(name: str) -> str:
    """What a package says of itself: its expression; else classifiers and the first line of its licence field, or its file."""
    about = metadata.metadata(name)
    if about.get("License-Expression"):
        return str(about["License-Expression"])
    classifiers = [each for each in about.get_all("Classifier") or [] if each.startswith("License ::")]
    field = (about.get("License") or "").splitlines()[:1]
    return (
        " ".join([*classifiers, *field]) or (metadata.distribution(name).read_text("LICENSE") or "").strip().partition("\n")[0]
    )


def test_every_package_is_on_the_page_and_no_other() -> None:
    assert {name.lower() for name in PAGE} == {name.lower() for name in (*OF_USERS, *OTHERS)}


@pytest.mark.parametrize("name", sorted({*OF_USERS, *OTHERS}))
def test_it_states_what_the_page_says(name: str) -> None:
    try:
        said = stated(name)
    except metadata.PackageNotFoundError:
        assert name not in OF_USERS
        pytest.skip(f"{name} is not installed")
    found = families(said)
    assert found, f"{name} states no licence that is known here: {said}"
    assert found <= families(PAGE[name]), said
