"""Is the shipped model a model of these particles? Losses against a Gaussian's, the spectrum of its samples.

python experiments/generative_prior/prior.py [unseen=512 samples=256 steps=50 results=FOLDER]    # from the top of the checkout

Writes prior.md, prior.png, samples.png and, from the log of the training run, losses.png beside this file or into ``results``.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import torch
from diffusers import DDIMScheduler
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch import Tensor

from cryosense import fourier, seeding
from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.sources import simulated
from cryosense.data import StackStatistics
from cryosense.denoisers import Denoiser, GaussianDenoiser, open_ddpm, open_gaussian
from cryosense.reporting.tables.intervals import mean_intervals
from cryosense.solvers.posterior.steps import bridge, levels, noised
from cryosense.training.samples import picture

HERE = Path(__file__).parent
BANDS = [0, 10, 50, 100, 200, 300, 500, 700, 1000]
UNSEEN_SEED = 2000  # neither the training particles nor the study's
CHOSEN = {"unseen": 512, "samples": 256, "steps": 50, "results": str(HERE)}
FEW = 64  # samples that a table would be made of without more


def unseen_particles(count: int) -> Tensor:
    """-> (count, 1, 64, 64): scaled as in training."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        deviations = compose("train").scaling.deviations
        stack = simulated("outputs/generative_prior/unseen", [f"count={count}", f"seed={UNSEEN_SEED}"], "unseen").images
    return StackStatistics(deviations).fit(stack, min(256, count))(stack[:])[0]


def noise_errors(denoiser: Denoiser, images: Tensor, noise: Tensor, t: int) -> Tensor:
    """(b, 1, n, n) images and noise -> (b,): mean squared error of the noise that the denoiser infers."""
    abar = denoiser.alphas_cumprod[t].float()
    x_t = abar.sqrt() * images + (1 - abar).sqrt() * noise
    inferred = (x_t - abar.sqrt() * denoiser(x_t, t)) / (1 - abar).sqrt()
    return (inferred - noise).square().flatten(1).mean(1)


def losses(images: Tensor) -> list[str]:
    """-> lines of a table: the loss of epsilon per band, trained and Gaussian, and their paired difference."""
    trained, gaussian = open_ddpm(None), open_gaussian(None)
    lines = ["| timesteps | trained | Gaussian | trained - Gaussian, % of it, with 95 % interval |", "|---|---|---|---|"]
    for band, (low, high) in enumerate(pairwise(BANDS)):
        pairs = []
        # Every image at one timestep of the band; eight timesteps, spread evenly.
        for part, subset in enumerate(images.chunk(8)):
            t = low + (2 * part + 1) * (high - low) // 16
            draw = seeding.generator(11, band, part).standard_normal(subset.shape, dtype="float32")
            noise = torch.from_numpy(draw)
            pairs.append(torch.stack([noise_errors(model, subset, noise, t) for model in (trained, gaussian)]))
        ours, theirs = torch.cat(pairs, dim=1).double()
        found = mean_intervals(((ours - theirs) / theirs.mean())[:, None].numpy(), resamples=2000, level=0.95, seed=0)
        difference = f"{100 * found.mean[0]:+.2f} ({100 * found.low[0]:+.2f} to {100 * found.high[0]:+.2f})"
        lines.append(f"| {low}-{high} | {float(ours.mean()):.5f} | {float(theirs.mean()):.5f} | {difference} |")
    return lines


@torch.no_grad()
def unconditional(denoiser: Denoiser, gaussian: GaussianDenoiser, count: int, steps: int) -> Tensor:
    """-> (count, 1, n, n): samples of the prior by ancestral steps to draws of x_0 given x_t.

    The draw is the denoiser's mean plus noise with the error spectrum of the Gaussian: for Gaussian images exact at any number
    of steps, where steps to the mean lose variance.
    """
    schedule = DDIMScheduler(num_train_timesteps=len(denoiser.alphas_cumprod), timestep_spacing="trailing")
    schedule.set_timesteps(steps)
    n, random = denoiser.box_size, seeding.generator(12)

    def noise() -> Tensor:
        return torch.from_numpy(random.standard_normal((count, 1, n, n), dtype="float32"))

    noisy = levels(schedule.timesteps, denoiser.alphas_cumprod)
    z = noised(None, noisy[0], lambda _: noise())
    for level in noisy:
        error = fourier.centred_to_half_plane(gaussian.error_spectrum(level.t)).sqrt().float()
        drawn = level.denoised(denoiser, z) + fourier.filtered(noise(), error)
        z = bridge(z, drawn, level.variance, level.next_variance, 1.0, noise())
    return z


def spectra(images: Tensor, count: int, steps: int, into: Path) -> list[str]:
    """-> lines of a table of shells; draws prior.png and samples.png."""
    trained, gaussian = open_ddpm(None), open_gaussian(None)
    drawn, control = (unconditional(model, gaussian, count, steps) for model in (trained, gaussian))
    picture(torch.cat([images[:16], drawn[:16]]), 8, into / "samples.png")
    shells = fourier.shell_index(images.shape[-1])
    expected = torch.stack([gaussian.spectrum[shells == k].mean() for k in range(images.shape[-1] // 2 + 1)])
    ratios = {
        f"{FEW} samples": fourier.power_spectrum(drawn[:FEW, 0].double() - gaussian.mean).mean(0) / expected,
        f"{count} samples": fourier.power_spectrum(drawn[:, 0].double() - gaussian.mean).mean(0) / expected,
        f"{count} samples of the Gaussian": fourier.power_spectrum(control[:, 0].double() - gaussian.mean).mean(0) / expected,
        f"{len(images)} unseen particles": fourier.power_spectrum(images[:, 0].double() - gaussian.mean).mean(0) / expected,
    }
    # A shell of m coefficients has m real numbers; the mean square of 64 m Gaussians deviates by sqrt(2 / 64 m).
    chance = (2 / (FEW * torch.bincount(shells.flatten())[: len(expected)].double())).sqrt()
    draw_spectra(ratios, chance, into)
    lines = [f"| shell | chance, 64 samples | {' | '.join(ratios)} |", "|---|---|" + "---|" * len(ratios)]
    for k in range(len(expected)):
        lines.append(f"| {k} | {chance[k]:.3f} | " + " | ".join(f"{ratio[k]:.3f}" for ratio in ratios.values()) + " |")
    return lines


def draw_spectra(ratios: dict[str, Tensor], chance: Tensor, into: Path) -> None:
    """Power of samples over that of the training particles, shell by shell."""
    figure, axis = plt.subplots(figsize=(8, 4))
    shells = torch.arange(len(chance))
    axis.fill_between(shells, 1 - 2 * chance, 1 + 2 * chance, color="0.9", label="chance for 64 samples, two deviations")
    for name, ratio in ratios.items():
        axis.plot(shells, ratio, label=name)
    for limit in (0.9, 1.1):
        axis.axhline(limit, color="0.5", linewidth=0.8, linestyle="--")
    axis.set(xlabel="shell, 1 / box", ylabel="power over that of the training particles", ylim=(0.6, 1.4))
    axis.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(into / "prior.png", dpi=100)
    plt.close(figure)


def draw_training(into: Path) -> None:
    """losses.csv, as the training run logged it -> losses.png: training loss, and validation loss by band over its first."""
    log = pd.read_csv(HERE / "losses.csv")
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4))
    trained = log[log["train/loss"].notna()]
    left.plot(trained["step"], trained["train/loss"], color="0.8", label="one batch")
    left.plot(trained["step"], trained["train/loss"].rolling(25).mean(), label="mean over 250 steps")
    left.set(xlabel="step", ylabel="training loss (velocity)", yscale="log")
    left.legend(fontsize=8)
    validated = log[log["validation/loss"].notna()].set_index("step")
    for low, high in pairwise(BANDS):
        losses = validated[f"validation/loss_t{low}_{high}"]
        right.plot(losses.index + 1, losses / losses.iloc[0], "-o", markersize=3, label=f"t = {low}-{high}")
    right.set(xlabel="step", ylabel="validation loss over that at the first look")
    right.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(into / "losses.png", dpi=90)
    plt.close(figure)


def main() -> None:
    """Write both tables and the figures."""
    chosen = OmegaConf.merge(CHOSEN, OmegaConf.from_cli())
    into = Path(chosen.results)
    into.mkdir(parents=True, exist_ok=True)
    draw_training(into)
    images = unseen_particles(chosen.unseen)
    text = [
        "# The shipped model, written by prior.py",
        "",
        f"## Loss of epsilon on {chosen.unseen} unseen particles",
        "",
        *losses(images),
        "",
    ]
    text += [
        "## Power spectrum of unconditional samples over that of the training particles",
        "",
        *spectra(images, chosen.samples, chosen.steps, into),
        "",
    ]
    (into / "prior.md").write_text("\n".join(text))
    print("\n".join(text))


if __name__ == "__main__":
    main()
