"""A file in memory that holds no more than what was written to it."""

from __future__ import annotations

import io
from pathlib import Path


class Pieces(io.RawIOBase):
    """What HDF5 writes, piece by piece: room that it sets aside and leaves empty takes no memory.

    HDF5 writes here, and not to the disk, because a write that fails inside it brings the process down when it ends.
    """

    def __init__(self) -> None:
        self._pieces: list[tuple[int, bytes]] = []
        self._size = self._position = 0

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        return self._position

    def tell(self) -> int:
        return self._position

    def truncate(self, size: int | None = None) -> int:
        self._size = self._position if size is None else size
        return self._size

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Keep a piece, at the position that was sought."""
        self._pieces.append((self._position, bytes(data)))
        self._position += len(data)
        self._size = max(self._size, self._position)
        return len(data)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill a buffer with what was written last at each place, zeros where nothing was."""
        start, count = self._position, max(min(len(buffer), self._size - self._position), 0)
        buffer[:count] = bytes(count)
        for offset, piece in self._pieces:
            first, last = max(offset, start), min(offset + len(piece), start + count)
            if first < last:
                buffer[first - start : last - start] = piece[first - offset : last - offset]
        self._position += count
        return count

    def write_to(self, path: Path) -> None:
        """Write the pieces to a file, in the order in which they came."""
        with path.open("wb") as file:
            for offset, piece in self._pieces:
                file.seek(offset)
                file.write(piece)
            file.truncate(self._size)
