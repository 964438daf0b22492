"""Rows of parquet files from unknown sources: the footer's claims are checked before a column is read."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from cryosense.errors import UntrustedFileError
from cryosense.files.limits import LONGEST_NAME, open_regular

# Rows hold numbers that hardly compress. Anything beyond this is made to fill the memory.
MOST_EXPANSION = 50
ALWAYS_EXPANDED_BYTES = 2**24
# Both expand a byte to twenty or so at most; other codecs have no such limit.
CODECS = {"UNCOMPRESSED", "SNAPPY"}
LARGEST_FOOTER_BYTES = 2**24
MOST_ROW_GROUPS = 100_000
LONGEST_STATISTIC_BYTES = 2**20


def read_rows(path: Path, known: pa.Schema) -> pa.Table:
    """Return the rows of a file whose columns are among ``known``, by name and type.

    Raises:
        UntrustedFileError: a file that cannot be read, other columns, a codec that is never written here, more rows than a
            file of its size can hold, or text of more than 200 characters.
    """
    with open_regular(path) as source:
        size = source.seek(0, 2)
        source.seek(max(0, size - 8))
        if int.from_bytes(source.read(4), "little") > LARGEST_FOOTER_BYTES:
            raise UntrustedFileError(f"{path}: its footer is larger than {LARGEST_FOOTER_BYTES} bytes")
        source.seek(0)
        try:
            return _read(path, source, size, known)
        except (OSError, ValueError, MemoryError, pa.ArrowException) as error:
            if isinstance(error, UntrustedFileError):
                raise
            raise UntrustedFileError(f"{path}: not a readable table of rows: {str(error).splitlines()[0]}") from error


def _read(path: Path, source: BinaryIO, size: int, known: pa.Schema) -> pa.Table:
    limits = {"thrift_container_size_limit": MOST_ROW_GROUPS, "thrift_string_size_limit": LONGEST_STATISTIC_BYTES}
    with pq.ParquetFile(source, **limits) as file:
        _check_footer(path, file.metadata, size)
        _check_columns(path, file.schema_arrow, known)
        texts = [name for name in file.schema_arrow.names if known.field(name).type == pa.string()]
        # Each text once, so that a long one is noticed before it is repeated.
        with pq.ParquetFile(source, metadata=file.metadata, read_dictionary=texts, **limits) as encoded:
            table = encoded.read(use_threads=False)
    for name in texts:
        for part in table[name].chunks:
            longest = max((len(text) for text in part.dictionary.to_pylist() if text is not None), default=0)
            if longest > LONGEST_NAME:
                raise UntrustedFileError(f"{path}: {name} holds a text of {longest} characters")
    return table.cast(pa.schema([known.field(name) for name in table.column_names]))


def _check_footer(path: Path, footer: pq.FileMetaData, size: int) -> None:
    """Check that numbers of rows agree, the codecs, and the memory that all of it takes at eight bytes a value."""
    expanded = 8 * footer.num_rows * footer.num_columns
    if expanded > max(ALWAYS_EXPANDED_BYTES, MOST_EXPANSION * size):
        raise UntrustedFileError(f"{path}: states {footer.num_rows} rows in {size} bytes")
    counted = 0
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        counted += group.num_rows
        for column in map(group.column, range(group.num_columns)):
            if column.num_values != group.num_rows or column.compression not in CODECS:
                raise UntrustedFileError(f"{path}: a column of {column.num_values} values by {column.compression}")
    if counted != footer.num_rows:
        raise UntrustedFileError(f"{path}: states {footer.num_rows} rows, but holds {counted}")


def _check_columns(path: Path, columns: pa.Schema, known: pa.Schema) -> None:
    odd = [name for name in columns.names if name not in known.names or columns.names.count(name) > 1]
    odd += [name for name in columns.names if name not in odd and _plain(columns.field(name).type) != known.field(name).type]
    if odd:
        raise UntrustedFileError(f"{path}: other columns than this version writes: {', '.join(odd[:5])[:LONGEST_NAME]}")


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
