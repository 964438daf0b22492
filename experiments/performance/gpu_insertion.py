"""Insertion of central slices: ours and torch-projectors' on one device, and ours on one CPU core."""

from __future__ import annotations

from typing import Any

import torch
from omegaconf import DictConfig
from torch import Tensor

from cryosense.volumes.backproject import SliceAccumulator, Slices, slices
from cryosense.volumes.half_ball import HalfBallSums
from cryosense.volumes.poses import quaternion_rotations

CHUNK = 512


def lines(config: DictConfig, device: torch.device, clock: Any) -> list[str]:
    """-> particles per second; theirs adds to a grid without padding, as ours at pad factor 1."""
    made = ["| box, px | what | particles per second |", "|---|---|---|"]
    for n in config.insertion.sizes:
        made += _of_size(config, n, device, clock)
    return made


def _of_size(config: DictConfig, n: int, device: torch.device, clock: Any) -> list[str]:
    asked = config.insertion.slices * 128**2 // n**2
    images, rotations = _problem(n, min(asked, CHUNK), device)
    b, few = len(images), config.insertion.on_cpu
    rounds = max(1, asked // b)
    ctf = torch.rand(b, n, n // 2 + 1, generator=torch.Generator().manual_seed(0)).to(device)
    zero = torch.zeros(b, 2, device=device)
    terms = slices(images, zero, ctf, None, 1.0)
    flat, padded = SliceAccumulator(n, 1).to(device), SliceAccumulator(n, 2).to(device)
    here, turns = Slices(*(part[:few].cpu() for part in terms)), rotations.cpu()
    works = {
        "ours, pad factor 1": lambda: _repeat(rounds, lambda: flat.insert(terms, turns)),
        "ours, pad factor 2": lambda: _repeat(rounds, lambda: padded.insert(terms, turns)),
        "ours, pad factor 2, with transform, shift and CTF": lambda: _repeat(
            rounds, lambda: padded.insert(slices(images, zero, ctf, None, 1.0), turns)
        ),
        "torch-projectors": lambda: _repeat(rounds, lambda: _theirs(terms, rotations)),
    }
    made = []
    for name, work in works.items():
        try:
            made.append(f"| {n} | {name} | {rounds * b / clock.median(f'{n} {name}', work):,.0f} |")
        except Exception as error:  # noqa: BLE001
            made.append(f"| {n} | {name} | not here: {str(error)[:150]} |".replace("\n", " "))
    took = clock.median(f"{n} index_add_", lambda: _scattered(padded, terms, rotations))
    made.append(f"| {n} | ours by torch's index_add_, pad factor 2 | {b / took:,.0f} |")
    on_cpu = SliceAccumulator(n, 2)
    took = clock.median(f"{n} cpu", lambda: on_cpu.insert(here, turns[:few]), "cpu")
    made.append(f"| {n} | ours, pad factor 2, one CPU core | {few / took:,.0f} |")
    return [*made, _apart(n, images, zero, ctf, rotations, padded)]


def _problem(n: int, count: int, device: torch.device) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(n)
    images = torch.randn(count, n, n, generator=generator).to(device)
    return images, quaternion_rotations(torch.randn(count, 4, generator=generator)).to(device)


def _repeat(rounds: int, work: Any) -> None:
    for _ in range(rounds):
        work()


def _scattered(sums: SliceAccumulator, terms: Slices, rotations: Tensor) -> None:
    for part, (first, last) in zip(sums.parts, sums._columns, strict=True):
        for rows in torch.arange(len(rotations), device=rotations.device).split(64):
            turns = sums.pad_factor * rotations[rows]
            HalfBallSums.scatter(
                part, terms.numerator[rows], terms.weight[rows], turns, first.to(turns.device), last.to(turns.device)
            )


def _theirs(terms: Slices, rotations: Tensor) -> None:
    import torch_projectors

    n = terms.numerator.shape[1]
    found = torch_projectors.backproject_2d_to_3d_forw(
        terms.numerator[None],
        rotations[None],
        terms.weight[None].contiguous(),
        interpolation="linear",
        fourier_radius_cutoff=n / 2,
    )
    assert float(found[1].sum()) > 0


def _apart(n: int, images: Tensor, zero: Tensor, ctf: Tensor, rotations: Tensor, like: SliceAccumulator) -> str:
    """-> how far sums of the first particles are from those that the CPU makes of the same."""
    few = slice(0, 32)
    there = SliceAccumulator(n, 2).to(like.outer.sums.device)
    here = SliceAccumulator(n, 2)
    terms = slices(images[few], zero[few], ctf[few], None, 1.0)
    there.insert(terms, rotations[few])
    here.insert(Slices(terms.numerator.cpu(), terms.weight.cpu()), rotations[few].cpu())
    apart = [
        float((a.sums.cpu() - b.sums).abs().max() / b.sums.abs().max()) for a, b in zip(there.parts, here.parts, strict=True)
    ]
    return f"| {n} | largest difference of sums to the CPU's, of the largest (inner, outer) | {apart[0]:.1e}, {apart[1]:.1e} |"
