"""Measurement files that exist: whether they are what is asked for."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cryosense.data import ParticleDataError
from cryosense.errors import MeasurementFileError
from cryosense.measurement.file import MeasurementFile
from cryosense.runs.identity import Identity, is_of_other_code


def is_made(path: Path, identity: Identity, box_size: int, rerun: str | None) -> bool:
    """Return whether the file exists. One of other code is removed if ``rerun`` says so.

    Raises:
        CryosenseError: a file of another configuration, of other data or of other code; see ``is_of_other_code``.
    """
    if not path.exists():
        return False
    known = MeasurementFile.open(path).description.content
    wanted = record_of(identity)
    for key, what in (("configuration", "of another configuration"), ("data", "made of other images")):
        if known["provenance"].get(key) != wanted[key]:
            raise MeasurementFileError(f"{path}: is a measurement file {what}: name another output, or remove it")
    if known["box_size"] != box_size:
        raise ParticleDataError(f"{path}: holds particles of {known['box_size']} px, not of {box_size} px")
    if is_of_other_code(path, str(known["provenance"].get("code", "")), wanted["code"], rerun):
        path.unlink()
        return False
    return True


def record_of(identity: Identity) -> dict[str, str]:
    """Return what a file says about what it was made from."""
    configuration = hashlib.sha256(identity.config.encode()).hexdigest()[:16]
    return {"configuration": configuration, "data": identity.fingerprint, "code": identity.code}
