"""A reader of measurement files from docs/file-format.md alone: h5py, numpy, zlib; no code of the package.

It reads Fourier files of one shared full mask, and pixel files of all pixels; masks of other designs need their draws.
"""

import json
import zlib

import h5py
import numpy as np


def read(path: str) -> tuple[dict, np.ndarray]:
    """-> the description, and (particles, n, n) float32 measurements as they are decoded."""
    with h5py.File(path) as file:
        arrays = {name: data[...] for name, data in file.items()}
    about = json.loads(zlib.decompress(arrays["description"].tobytes()))
    count, n = about["particles"], about["box_size"]
    lengths = about["least_bytes"] + arrays.get("lengths", np.zeros(count, int)).astype(int)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    for k, checksum in enumerate(arrays["checksums"]):
        block = slice(*(ends[min(i * about["block_particles"], count)] for i in (k, k + 1)))
        assert zlib.crc32(arrays["levels"][block].tobytes()) == checksum
    group, part = places(about, n)
    order = np.concatenate([np.flatnonzero(part == i) for i in range(len(about["parts"]))])
    scale = arrays["std"][group[order]]
    images = np.zeros((count, n * n), np.float32)
    numbers = arrays.get("numbers", np.arange(count))
    for i in range(count):
        content = arrays["levels"][ends[i] : ends[i + 1]].tobytes()
        images[i, order] = particle(about, arrays, content, part[order], scale, int(numbers[i]))
    return about, images.reshape(count, n, n)


def places(about: dict, n: int) -> tuple[np.ndarray, np.ndarray]:
    """-> shell of each number in raster order, and which part stores it."""
    axis = np.arange(n) - n // 2
    shell = np.rint(np.hypot(axis[:, None], axis)).astype(int).ravel()
    shell = shell if about["design"]["domain"] == "fourier" else np.zeros(n * n, int)
    last = [10**9 if p["last_shell"] is None else p["last_shell"] for p in about["parts"]]
    return shell, np.searchsorted(last, shell)


def particle(about, arrays, content, part, scale, number):
    """Bytes of one particle -> its numbers, part by part."""
    counts = [int((part == i).sum()) for i in range(len(about["parts"]))]
    if "float_bytes" in about["parts"][0]:
        size = about["parts"][0]["float_bytes"]
        if about["parts"][0]["coding"] == "packed":
            return np.frombuffer(content, f"<f{size}").astype(np.float32)
        models = arrays["models"].reshape(-1, 256)
        plain = size - len(models)
        low, ans = (
            np.frombuffer(content[: counts[0] * plain], np.uint8).reshape(counts[0], plain),
            Ans(content[counts[0] * plain :]),
        )
        top = [ans.take(model, counts[0])[:, None].astype(np.uint8) for model in models]
        return np.hstack([low, *top]).copy().view(f"<f{size}")[:, 0].astype(np.float32)
    levels, at = [None] * len(counts), 0
    for i, p in enumerate(about["parts"]):
        if p["coding"] == "packed":
            bits = max(1, (p["levels"] - 1).bit_length())
            size = -(-counts[i] * bits // 8)
            plane = np.unpackbits(np.frombuffer(content[at : at + size], np.uint8), count=counts[i] * bits)
            levels[i], at = plane.reshape(-1, bits) @ (1 << np.arange(bits)[::-1]), at + size
    ans, model = Ans(content[at:]), 0
    for i, p in enumerate(about["parts"]):
        if "states" in p:
            levels[i] = ans.take_turns(arrays["models"][model : model + p["levels"]], counts[i], CHECKS[p["states"]])
            model += p["levels"]
        elif p["coding"] == "entropy":
            levels[i] = ans.take(arrays["models"][model : model + p["levels"]], counts[i])
            model += p["levels"]
    starts = np.cumsum([0, *(p["levels"] for p in about["parts"])])
    values = np.concatenate([arrays["values"][starts[i] + levels[i]] for i in range(len(counts))])
    if any(p["dither_width"] for p in about["parts"]):
        key = np.array([about["quantiser"]["seed"], number], np.uint64)
        draws = np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, 7])).random(len(values), np.float32)
        width, share = (
            np.repeat(np.float32([p[k] for p in about["parts"]]), counts) for k in ("dither_width", "dither_share")
        )
        values = values - share * ((draws - np.float32(0.5)) * width)
    return values * scale


CHECKS = {4: (5, 2), 8: (11, 4), 16: (19, 4), 32: (37, 8), 64: (67, 20)}


class Ans:
    """The entropy coder's words, read from the last."""

    def __init__(self, content: bytes) -> None:
        self.words = np.frombuffer(content, "<u4").tolist()
        self.state = 0
        for _ in range(min(2, len(self.words))):
            self.state = self.state << 32 | self.words.pop()

    def take(self, table: np.ndarray, count: int) -> np.ndarray:
        table = [int(t) for t in table]
        starts, out = np.cumsum([0, *table]).tolist(), np.empty(count, int)
        for i in range(count):
            place = self.state % 2**24
            out[i] = level = int(np.searchsorted(starts, place, side="right")) - 1
            self.state = (self.state >> 24) * table[level] + place - starts[level]
            if self.state < 2**32 and self.words:
                self.state = self.state << 32 | self.words.pop()
        return out

    def take_turns(self, table: np.ndarray, count: int, checks: tuple[int, int]) -> np.ndarray:
        """Levels of two quantisers, by whose turn it is."""
        half, state, out = len(table) // 2, 0, np.empty(count, int)
        for i in range(count):
            turn = state & 1
            level = int(self.take(table[turn * half : turn * half + half], 1)[0])
            out[i] = turn * half + level
            odd = (level - half // 2) & 1
            state = state >> 1 ^ turn * (checks[0] >> 1) ^ odd * (checks[1] >> 1)
        return out
