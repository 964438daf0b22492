"""STAR files drawn at random with what they say: awkward values in an awkward layout."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cryosense.files.star_text import Block, read_blocks
from cryosense.files.star_writing import star_text

VALUES = ["1.10", "1.1", "1e3", "1000.0", "007", "-0.0", "+5", ".5", "nan", "None", "12345678901234567890123", "1_0", "0x1F"]
VALUES += [
    "000001@Extract/a.mrcs",
    "mic one.mrc",
    "O'Brien.mrc",
    '5"',
    "a'b\"c",
    "a#b",
    "#",
    "#3",
    "_x",
    ";x",
    "data_x",
    "loop_",
]
VALUES += ["", " ", "it's here", "'quoted'", '"', "Ångström µ", "[0.1,-2.5]", "a\tb", "\u3000", "$1", "x" * 300, "-", "."]
LABELS = ["rlnImageName", "rlnMicrographName", "rlnAngleRot", "labNote", "x", "a#b", "rln'Odd", "µ"]
PLAIN = re.compile(r"(?!data_|loop_)[^\s\"'#_;][^ \t\n\r]*")


@dataclass(frozen=True)
class Said:
    """What a block says: whether in a loop, its labels, its rows."""

    is_loop: bool
    labels: list[str]
    rows: list[list[str]]


def drawn(rng: np.random.Generator) -> tuple[bytes, dict[str, Said]]:
    """-> a file, what it says by block."""
    meant: dict[str, Said] = {}
    lines: list[str] = []
    names = rng.permutation(["", "optics", "particles", "general", "odd#name"])
    for name in names[: rng.integers(1, 4)]:
        labels = [str(label) for label in rng.permutation(LABELS)[: rng.integers(1, len(LABELS))]]
        is_loop = bool(rng.random() < 0.8)
        count = int(rng.integers(0, 6)) if is_loop else 1
        rows = [[VALUES[i] for i in rng.integers(0, len(VALUES), len(labels))] for _ in range(count)]
        meant[str(name)] = Said(is_loop, labels, rows)
        lines += [*_noise(rng), _line(rng, [f"data_{name}"]), *_noise(rng)]
        if is_loop:
            lines += [_line(rng, ["loop_"])]
            for label in labels:
                lines += [*_noise(rng), _line(rng, [f"_{label}"])]
            for row in rows:
                lines += [*_noise(rng), _line(rng, [_word(rng, value) for value in row])]
        else:
            for label, value in zip(labels, rows[0], strict=True):
                lines += [*_noise(rng), _line(rng, [f"_{label}", _word(rng, value)])]
    end = "\r\n" if rng.random() < 0.2 else "\n"
    content = end.join(lines) + (end if rng.random() < 0.8 else "")
    return (b"\xef\xbb\xbf" if rng.random() < 0.1 else b"") + content.encode(), meant


def _noise(rng: np.random.Generator) -> list[str]:
    return [["", "  \t", "# version 30001", " # 'half a quote"][i] for i in rng.integers(0, 4, int(rng.random() < 0.3))]


def _line(rng: np.random.Generator, words: list[str]) -> str:
    def space(least: int) -> str:
        return "".join(" \t"[i] for i in rng.integers(0, 2, least + int(rng.geometric(0.7)) - 1))

    line = space(0) + "".join(word + space(1) for word in words[:-1]) + words[-1]
    return line + (" # a 'comment'" if rng.random() < 0.1 else space(0))


def _word(rng: np.random.Generator, value: str) -> str:
    if PLAIN.fullmatch(value) and rng.random() < 0.9:
        return value
    fitting = [quote for quote in "\"'" if not re.search(rf"{quote}[ \t]", value)]
    quote = fitting[rng.integers(0, len(fitting))]
    return f"{quote}{value}{quote}"


def said(blocks: dict[str, Block]) -> dict[str, Said]:
    """-> what blocks that were read say."""
    return {name: Said(b.is_loop, list(b.labels), b.table().to_numpy().tolist()) for name, b in blocks.items()}


def written(path: Path) -> bytes:
    """-> the file as it is written when it was read."""
    blocks = read_blocks(path)
    pairs = frozenset(name for name, block in blocks.items() if not block.is_loop)
    return "".join(star_text({name: block.table() for name, block in blocks.items()}, pairs)).encode()


def same(found: dict[str, Said], meant: dict[str, Said]) -> bool:
    """Whether it is the same text; a block without a label is neither a loop nor none."""
    return list(found) == list(meant) and all(
        (r.labels, r.rows) == (s.labels, s.rows) and (r.is_loop == s.is_loop or not s.labels)
        for r, s in zip(found.values(), meant.values(), strict=True)
    )
