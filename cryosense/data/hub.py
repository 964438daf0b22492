"""Particle stacks published on the Hugging Face hub: downloaded once, then found in its cache."""

from __future__ import annotations

from pathlib import Path

from cryosense.errors import ParticleDataError

from .source import ParticleSource


def open_hub(
    repository: str,
    file: str,
    revision: str = "main",
    local_dir: str | Path | None = None,
    pixel_size_angstrom: float | None = None,
    name: str | None = None,
) -> ParticleSource:
    """Open one file of a data set on the hub, such as ``owner/EMPIAR10076_128x128``, as ``ParticleSource.open`` does.

    If ``local_dir`` is given, a folder laid out in the same way, the file is sought there and nowhere else; otherwise in the
    hub's cache, and downloaded if it is not there. ``revision`` is a branch, tag or commit.

    Raises:
        ParticleDataError: a file that is in neither place, or is not a particle stack.
    """
    if local_dir is not None:
        path = Path(local_dir) / file
        if not path.is_file():
            raise ParticleDataError(
                f"{path}: no such file; put {file} of the hub's data set {repository} there, or set local_dir=null"
            )
    else:
        path = _fetched(repository, file, revision)
    return ParticleSource.open(path, None, None, None, pixel_size_angstrom, name)


def _fetched(repository: str, file: str, revision: str) -> Path:
    # Takes a second to import, so only users of a data set on the hub should wait for it.
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(repository, file, repo_type="dataset", revision=revision))
    except LocalEntryNotFoundError as error:
        raise ParticleDataError(
            f"{file} of the hub's data set {repository} is not in the cache, and the hub cannot be reached: run the same "
            "command once with a network connection, or put the file into a folder and give that as local_dir"
        ) from error
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        said = str(error).strip().splitlines()[0]
        raise ParticleDataError(
            f"{file} of the hub's data set {repository} cannot be downloaded ({said}): check repository, file and revision"
        ) from error
