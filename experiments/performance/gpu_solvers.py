"""Posterior sampling and total variation on a device, on one CPU core, and the bare operations there."""

from __future__ import annotations

import copy
from typing import Any

import floor
import torch
from omegaconf import DictConfig

from cryosense.denoisers import open_ddpm
from cryosense.measurement import FourierDesign, GaussianNoise, PixelDesign, acquire
from cryosense.priors import TotalVariation
from cryosense.reconstructors import Posterior, Sparse

DESIGNS = {"pixel": PixelDesign, "Fourier": FourierDesign}


def discs(count: int, n: int) -> torch.Tensor:
    """-> discs in noise, (count, 1, n, n), of unit range."""
    axis = torch.linspace(-1, 1, n)
    radius = torch.linspace(0.2, 0.8, count).view(-1, 1, 1, 1)
    discs = ((axis[:, None] ** 2 + axis**2).sqrt() < radius).float() - 0.5
    return discs + 0.25 * torch.randn(discs.shape, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def posterior_lines(config: DictConfig, device: torch.device, clock: Any) -> list[str]:
    """-> images per second by sampler and precision, beside bare network evaluations in float32 and in the same precision."""
    asked = config.posterior
    title = f"| posterior, 64 px, {asked.evaluations} evaluations | precision | images per s | over the bare network |"
    made = [title + " apart from the CPU |", "|---|---|---|---|---|"]
    for name, design in DESIGNS.items():
        measured = acquire(discs(asked.images, 64), torch.arange(asked.images), design(), GaussianNoise(0.1))
        moved, few = copy.deepcopy(measured).to(device), measured.part(torch.arange(asked.on_cpu))
        method = Posterior(open_ddpm(), network_evaluations=asked.evaluations)
        expected = method(few).x
        took = clock.median(f"posterior {name} cpu", lambda method=method, few=few: method(few), "cpu") / len(few)
        made.append(f"| {name}, one CPU core | float32 | {1 / took:.2f} | | |")
        for precision in asked.precisions:
            denoiser = open_ddpm(None, precision).to(device)
            there = Posterior(denoiser, network_evaluations=asked.evaluations).to(device)
            x = torch.randn(asked.images, 1, 64, 64, device=device)

            def bare(denoiser: Any = denoiser, x: torch.Tensor = x) -> None:
                for t in range(asked.evaluations):
                    denoiser(x, 40 * t)

            alone = clock.median(f"bare {name} {precision}", bare)
            ours = clock.median(f"posterior {name} {precision}", lambda there=there, moved=moved: there(moved))
            found = there(moved.part(torch.arange(len(few), device=device))).x.cpu()
            apart = float((found - expected).abs().max() / expected.abs().max())
            made.append(f"| {name} | {precision} | {asked.images / ours:.1f} | {ours / alone:.2f} | {apart:.1e} |")
    return made


@torch.no_grad()
def tv_lines(config: DictConfig, device: torch.device, clock: Any) -> list[str]:
    """-> images per second of total variation, beside as many iterations of bare transforms and thresholds."""
    asked, prior = config.tv, TotalVariation()
    made = [
        f"| TV, {asked.box_size} px | images per s | iterations | over the floor | apart from the CPU |",
        "|---|---|---|---|---|",
    ]
    for name, design in DESIGNS.items():
        measured = acquire(discs(asked.images, asked.box_size), torch.arange(asked.images), design(), GaussianNoise(0.1))
        moved, few = copy.deepcopy(measured).to(device), measured.part(torch.arange(asked.on_cpu))
        method = Sparse(prior, asked.weight)
        expected = method(few).x
        took = clock.median(f"tv {name} cpu", lambda method=method, few=few: method(few), "cpu") / len(few)
        made.append(f"| {name}, one CPU core | {1 / took:.2f} | | | |")
        found = method(moved)
        iterations = round(float(found.iterations.float().mean()))
        ours = clock.median(f"tv {name}", lambda method=method, moved=moved: method(moved))

        def bare(moved: Any = moved, iterations: int = iterations) -> None:
            with torch.device(device):
                floor.run(torch.randn(asked.images, 1, asked.box_size, asked.box_size), moved.operator, prior, iterations)

        alone = clock.median(f"tv floor {name}", bare)
        apart = float((found.x[: len(few)].cpu() - expected).abs().max() / expected.abs().max())
        made.append(f"| {name} | {asked.images / ours:.1f} | {iterations} | {ours / alone:.2f} | {apart:.1e} |")
    return made
