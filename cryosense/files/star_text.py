"""STAR files as text: every value is restored exactly, or the file is refused.

What is read is what RELION writes: blocks (``data_name``) of one loop each, with a line for each row, or of pairs of a label
and a value. Comments begin with ``#`` where a word could; quotes stand around words and close before white space (Hall
1991). A row has as many words as there are labels. Text in semicolons, nested loops and several loops in a block are refused.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa

from cryosense.errors import ParticleDataError
from cryosense.files.star_lines import count_lines, portions
from cryosense.files.star_quotes import has_marks, is_keyword, words_of
from cryosense.files.star_words import columns_of_words

MOST_BLOCKS, MOST_COLUMNS = 500, 1000
MOST_VALUES = 2 * 10**8

TEXT = pd.StringDtype("pyarrow")


@dataclass
class Block:
    """A block ``data_<name>``: a table of text, with one row if it is not a loop."""

    name: str
    is_loop: bool = False
    labels: list[str] = field(default_factory=list)
    rows: int = 0
    portions: list[list[pa.Array]] = field(default_factory=list)

    def table(self) -> pd.DataFrame:
        """Return the table (rows, labels), all of it text."""
        columns = [
            pa.chunked_array([portion[i] for portion in self.portions], pa.large_string()) for i in range(len(self.labels))
        ]
        table = pa.table(columns, names=self.labels) if columns else pa.table({})
        return table.to_pandas(types_mapper={pa.large_string(): TEXT}.get)


def read_blocks(path: Path) -> dict[str, Block]:
    """Return the blocks by name, in file order.

    Raises:
        ParticleDataError: what the module's docstring refuses; two blocks, or two columns of a block, with the same name; text
            that is not UTF-8; more than 4 GiB, 10 million lines, 500 blocks, 1000 columns in a block, 200 million values, or
            1 MiB in a line.
    """
    lines = count_lines(path)
    reader = _Reader(path, lines)
    for first, portion in portions(path):
        reader.take(first, portion)
    return {block.name: block for block in reader.blocks}


class _Reader:
    def __init__(self, path: Path, lines: int) -> None:
        self.path, self.lines = path, lines
        self.blocks: list[Block] = []

    def take(self, first: int, content: bytes) -> None:
        """Continue with some whole lines, the first of which has this number."""
        plain, lines, at = not has_marks(content), content.split(b"\n"), 0
        ends = [i for i, line in enumerate(lines) if line.startswith(b"data_") and len(line.split()) == 1]
        while at < len(lines):
            block = self.blocks[-1] if self.blocks else None
            in_loop = block is not None and block.is_loop and bool(block.labels)
            taken = 0
            if block is not None and in_loop and lines[at].lstrip()[:1] not in (b"", b"_", b"#"):
                following = bisect_right(ends, at - 1)
                last = ends[following] if following < len(ends) else len(lines)
                taken = self._rows(block, lines[at:last], first + at, plain) if last > at else 0
            if not taken:
                self._line(first + at, lines[at])
            at += max(taken, 1)

    def _rows(self, block: Block, lines: list[bytes], number: int, plain: bool) -> int:
        """Return how many lines, from the first on, are rows or empty."""
        if plain and len(block.labels) > 1:
            taken, columns = columns_of_words(lines, len(block.labels))
        else:
            taken, columns = self._quoted_rows(lines, len(block.labels), number)
        count = len(columns[0]) if columns else 0
        if count and block.rows == 0 and (self.lines - number) * len(block.labels) > MOST_VALUES:
            self._refuse(number, f"more than {MOST_VALUES} values may follow: too many to read")
        if count:
            try:
                for column in columns:
                    column.validate(full=True)
            except pa.ArrowInvalid:
                self._refuse(number, "or a line soon after: not UTF-8")
            block.portions.append(columns)
            block.rows += count
        return taken

    def _quoted_rows(self, lines: list[bytes], wanted: int, first: int) -> tuple[int, list[pa.Array]]:
        rows: list[list[bytes]] = []
        taken = 0
        for number, line in enumerate(lines, first):
            words, start = self._words(number, line), line.lstrip()[:1]
            if words and (len(words) != wanted or start == b"_" or (wanted == 1 and is_keyword(words[0], line))):
                break
            taken += 1
            if words:
                rows.append(words)
        columns = [pa.array(column, pa.large_binary()) for column in zip(*rows, strict=True)]
        return taken, [column.view(pa.large_string()) for column in columns]

    def _line(self, number: int, line: bytes) -> None:
        words = self._words(number, line)
        if not words:
            return
        block = self.blocks[-1] if self.blocks else None
        word = words[0] if line.lstrip().startswith(words[0]) else b""  # in quotes it is a value
        if word.startswith(b"data_") and len(words) == 1:
            self._begin(number, self._text(number, word[5:]))
        elif block is None:
            self._refuse(number, f"{self._text(number, words[0])!r} is before the first block (data_...)")
        elif word == b"loop_" and len(words) == 1:
            if block.is_loop or block.labels:
                self._refuse(number, f"data_{block.name} has a loop and something else: one loop in a block is read")
            block.is_loop = True
        elif word.startswith(b"_") and len(word) > 1 and not block.rows and len(words) == (1 if block.is_loop else 2):
            self._label(number, block, words)
        else:
            self._refuse_words(number, block, words)

    def _begin(self, number: int, name: str) -> None:
        if name in (block.name for block in self.blocks):
            self._refuse(number, f"data_{name} is in the file twice: join its tables, or remove one")
        self.blocks.append(Block(name))
        self._check_counts()

    def _label(self, number: int, block: Block, words: list[bytes]) -> None:
        label = self._text(number, words[0][1:])
        if label in block.labels:
            raise ParticleDataError(f"{self.path}: data_{block.name} has the column _{label} twice: remove one")
        block.labels.append(label)
        if not block.is_loop:
            value = pa.array([self._text(number, words[1])], pa.large_string())
            block.portions = [[*(block.portions[0] if block.portions else []), value]]
        self._check_counts()

    def _check_counts(self) -> None:
        if len(self.blocks) > MOST_BLOCKS or len(self.blocks[-1].labels) > MOST_COLUMNS:
            raise ParticleDataError(
                f"{self.path}: more than {MOST_BLOCKS} blocks or {MOST_COLUMNS} columns: RELION writes no such table"
            )

    def _refuse_words(self, number: int, block: Block, words: list[bytes]) -> None:
        if block.is_loop and block.labels and not words[0].startswith((b"_", b"loop_")):
            self._refuse(number, f"row {block.rows + 1} of data_{block.name} has {len(words)} of {len(block.labels)} values")
        self._refuse(
            number,
            f"{self._text(number, words[0])!r} and {len(words) - 1} more word(s) are no row, no label with its value and no "
            "block; a value that begins with _ must be in quotes",
        )

    def _words(self, number: int, line: bytes) -> list[bytes]:
        if line[:1] == b";":
            self._refuse(number, "text in semicolons is not read")
        words, unclosed = words_of(line)
        if unclosed:
            self._refuse(number, f"a quote is not closed: {self._text(number, unclosed[:40])!r}")
        return words

    def _text(self, number: int, word: bytes) -> str:
        try:
            return word.decode()
        except UnicodeDecodeError:
            self._refuse(number, "not UTF-8")
            raise

    def _refuse(self, number: int, why: str) -> None:
        raise ParticleDataError(f"{self.path}: line {number}: {why}") from None
