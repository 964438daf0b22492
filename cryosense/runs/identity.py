"""What a run's directory belongs to: the configuration, the data and the version of the code with which it was begun."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from cryosense.errors import RunDirectoryError
from cryosense.files.writing import write_text

LOG = logging.getLogger(__name__)
CONFIG, DATA, CODE = "config.yaml", "data.txt", "code.txt"


@dataclass(frozen=True)
class Identity:
    """What a run belongs to: ``config.yaml``, ``data.txt`` and ``code.txt`` in its directory."""

    config: str
    fingerprint: str
    code: str

    def owns(self, directory: Path) -> bool:
        """Return whether a run of this configuration and these data, by whatever code, was begun there.

        Raises:
            RunDirectoryError: a run of another configuration or of other data was.
        """
        for name, text, what in (
            (CONFIG, self.config, "another configuration: choose another output_dir"),
            (DATA, self.fingerprint + "\n", "other images under the same path: choose another output_dir, or remove it"),
        ):
            found = _text(directory / name)
            if found is not None and found != text:
                raise RunDirectoryError(f"{directory} holds a run of {what} ({name} differs)")
        return (directory / CONFIG).is_file()

    def is_begun(self, directory: Path) -> bool:
        """Return whether anything was made there; a configuration alone may be from an attempt that was refused."""
        return (directory / DATA).is_file()

    def is_outdated(self, directory: Path, rerun: str | None) -> bool:
        """Return whether other code began what is there, and it is to be replaced; see ``is_of_other_code``."""
        found = (_text(directory / CODE) or "").strip()
        return self.is_begun(directory) and is_of_other_code(directory, found, self.code, rerun)

    def write(self, directory: Path) -> None:
        """Write what the directory belongs to. The data come last, so that whatever is there after a crash is true."""
        write_text(directory / CONFIG, self.config)
        write_text(directory / CODE, self.code + "\n")
        write_text(directory / DATA, self.fingerprint + "\n")


def is_of_other_code(path: Path, found: str, code: str, rerun: str | None) -> bool:
    """Return whether what is at ``path`` was made by other code and is to be made again; if by other code, log it.

    Args:
        rerun: ``changed`` makes such a thing again, ``never`` keeps it.

    Raises:
        RunDirectoryError: it is of other code, and ``rerun`` is not given.
    """
    if rerun not in (None, "changed", "never"):
        raise RunDirectoryError(f"rerun={rerun}: changed, never or null")
    if found == code:
        return False
    said = f"{path} is of other code ({found or 'not recorded'}; this is {code})"
    if rerun is None:
        raise RunDirectoryError(f"{said}: rerun=changed makes it again, rerun=never keeps it")
    LOG.warning("%s: %s", said, "made again" if rerun == "changed" else "kept")
    return rerun == "changed"


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
