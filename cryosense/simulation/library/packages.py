"""The packages whose files hold the structures: found, never imported."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from cryosense.errors import MissingExtraError, ModelFileError

from .chains import Chain, chains_in
from .listing import Listed

PACKAGES = ("dockstring", "MDAnalysisTests")
INSTALL = "pip install 'cryosense[structures]', or the two files alone: pip install --no-deps dockstring MDAnalysisTests"
KEPT_CHAINS = 256


def folder_of(package: str) -> Path:
    """Return the folder of an installed package, without importing it. Raises MissingExtraError where it is not installed."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(f"the molecules of {package} are not installed: {INSTALL}")
    return Path(next(iter(spec.submodule_search_locations)))


@lru_cache(maxsize=KEPT_CHAINS)
def chain_of(molecule: Listed) -> Chain:
    """Return a listed chain.

    Raises:
        MissingExtraError: its package is not installed.
        ModelFileError: the file is not there, or its chain has another sequence: another version of the package.
    """
    path = folder_of(molecule.package) / molecule.file
    if not path.is_file():
        raise ModelFileError(
            f"{path}: is not there, so {molecule.package} is there in part: {INSTALL}, or leave {molecule.name} out"
        )
    for identifier, chain in chains_in(path):
        if identifier == molecule.chain:
            if chain.sequence_hash == molecule.sequence_hash:
                return chain
            break
    raise ModelFileError(
        f"{path}: chain {molecule.chain!r} is not the one listed as {molecule.name}: install another version of "
        f"{molecule.package}, or leave {molecule.name} out"
    )
