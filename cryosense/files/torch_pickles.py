"""What a ``torch.save`` file asks for, inspected before torch loads it."""

from __future__ import annotations

import pickletools
import zipfile
from typing import BinaryIO

import torch

from cryosense.errors import UntrustedFileError

MOST_STEPS = 1_000_000
LARGEST_PICKLE_BYTES = 2**22
PICKLES_OF_OLD_FILES = 5  # magic number, protocol, system, object, names of storages
OBJECTS = {
    "collections OrderedDict",
    "builtins set",
    "torch Size",
    "torch device",
    "torch.serialization _get_layout",
    "torch.storage TypedStorage",
    "torch.storage UntypedStorage",
    *(f"torch._utils _rebuild_{name}" for name in ("tensor", "tensor_v2", "parameter", "qtensor", "sparse_tensor")),
    "torch._utils _rebuild_meta_tensor_no_storage",
}


def check_torch_file(path: object, file: BinaryIO) -> bool:
    """Return whether the file is in the current format, an archive that can be memory-mapped.

    Raises:
        UntrustedFileError: a compressed archive, which torch never writes and which would be mapped as it is; a pickle of more
            than a million steps or four megabytes, or one that asks for anything that is not part of a tensor. Torch allows
            more, such as a ``bytearray`` of any size.
    """
    start = file.read(4)
    file.seek(0)
    if start != b"PK\x03\x04":
        for _ in range(PICKLES_OF_OLD_FILES):
            _check_steps(path, file)
        return False
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if any(info.compress_type != zipfile.ZIP_STORED for info in members):
            raise UntrustedFileError(f"{path}: its contents are compressed, which torch.save never does")
        for info in members:
            if info.filename.endswith("data.pkl"):
                if info.file_size > LARGEST_PICKLE_BYTES:
                    raise UntrustedFileError(f"{path}: describes its tensors in {info.file_size} bytes, far too many")
                with archive.open(info) as member:
                    _check_steps(path, member)  # type: ignore[arg-type]
    return True


def _check_steps(path: object, stream: BinaryIO) -> None:
    for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        if count > MOST_STEPS:
            raise UntrustedFileError(f"{path}: describes its tensors in more than {MOST_STEPS} steps")
        if opcode.name == "GLOBAL" and not _is_part_of_tensors(str(argument)):
            raise UntrustedFileError(f"{path}: asks for {argument}, which is not part of a plain tensor")


def _is_part_of_tensors(name: str) -> bool:
    module, _, attribute = name.partition(" ")
    if module in ("torch", "torch.cuda") and attribute.endswith("Storage"):
        return True
    of_torch = getattr(torch, attribute, None) if module == "torch" else None
    return isinstance(of_torch, torch.dtype | torch.qscheme) or name in OBJECTS
