"""Are the samplers' posteriors right? Gaussian images with their exact denoiser, against the posterior in closed form.

python experiments/generative_prior/calibration.py      # from the top of the checkout; options: calibration.yaml

Prints a table per problem, writes them to calibration.md and draws calibration.png.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import pandas as pd
import torch
from calibration_figure import draw
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from cryosense import fourier, seeding
from cryosense.denoisers import GaussianDenoiser
from cryosense.measurement.noise import GaussianNoise
from cryosense.operators import FourierSampling, LinearOperator, PixelMasking, masks
from cryosense.reconstructors.samplers import Sampler
from cryosense.solvers.posterior import Task

HERE = Path(__file__).parent
SAMPLERS = HERE.parents[1] / "conf" / "sampler"
CURVES = ["ratios", "errors", "deviations", "coverage"]  # of a row: for the figure, not the table
LARGEST = 4.5  # standard errors: one run in 500 has a mode beyond it by chance
LEVELS = torch.arange(5, 100, 5) / 100  # of intervals
HEAD = """# Calibration, written by calibration.py

{samples} samples of one measurement, box of {n} px. Of an exact sampler the mean error is 1.00 standard errors (r.m.s.) with
0.3 % beyond 3, and variance ratios have a deviation of {deviation:.3f}. Right: the mean within 3 deviations of that and no
mode beyond 4.5, the variance ratio of every mode in [0.8, 1.25].

"""


class Problem(NamedTuple):
    """One measurement and the exact posterior, in its eigenbasis, of what it leaves unknown."""

    operator: LinearOperator
    y: Tensor  # (1, ...)
    row_std: Tensor
    mean: Tensor  # (n^2,)
    modes: Tensor  # (n^2, m), columns
    variances: Tensor  # (m,), rising


def image_model(config: DictConfig) -> GaussianDenoiser:
    """-> white noise with a strong signal at low frequencies."""
    radius = fourier.frequency_radius(config.box_size) / config.signal_radius
    beta = torch.linspace(config.schedule.beta_start, config.schedule.beta_end, config.schedule.timesteps, dtype=torch.float64)
    spectrum = config.noise_floor * (1 + config.signal_to_noise / (1 + radius**4))
    return GaussianDenoiser(config.mean, spectrum, torch.cumprod(1 - beta, 0))


def normal(config: DictConfig, count: int, index: int) -> Tensor:
    """-> (count, 1, n, n): standard normal draw number ``index``."""
    n = config.box_size
    return torch.from_numpy(seeding.generator(config.seed, index).standard_normal((count, 1, n, n), dtype="float32"))


def operators(config: DictConfig) -> dict[str, LinearOperator]:
    """-> one of each domain."""
    n, pixel = config.box_size, config.operators.pixel
    kept = masks.uniform(n, config.operators.fourier.kept_fraction, symmetric=True, seed=config.seed)
    summed = masks.random_binary(n, pixel.masks, keep_probability=pixel.keep_probability, seed=config.seed)
    return {"Fourier masks": FourierSampling(kept), "pixel masks": PixelMasking(summed, pixel.block_size)}


def problem(config: DictConfig, model: GaussianDenoiser, operator: LinearOperator, sigma: float) -> Problem:
    """-> a measurement of one image of the model."""
    n = config.box_size
    half = fourier.centred_to_half_plane(model.spectrum)
    x = model.mean + fourier.filtered(normal(config, 1, 2**20), half.sqrt().float())
    noise = GaussianNoise(sigma, "image", "after", config.seed)
    y, row_std = noise.measure(operator, x, torch.arange(1)), noise.row_std(operator)
    level = torch.full_like(x, model.mean)
    mean, _, _ = operator.stationary_posterior_mean(y - operator(level), model.spectrum, row_std)
    prior = fourier.filtered(torch.eye(n * n, dtype=torch.float64).reshape(-1, 1, n, n), half)
    seen = operator.double_precision().row_forward(prior).flatten(1)[:, operator.row_noise_gain.flatten() > 0]
    rows = operator.double_precision().row_forward(torch.eye(n * n, dtype=torch.float64).reshape(-1, 1, n, n)).flatten(1)
    rows, deviation = rows[:, operator.row_noise_gain.flatten() > 0], row_std[operator.row_noise_gain > 0].double()
    covariance = prior.flatten(1) - seen @ torch.linalg.solve(rows.T @ seen + torch.diag(deviation**2), seen.T)
    variances, modes = torch.linalg.eigh(covariance)
    unknown = variances > 1e-9
    return Problem(operator, y, row_std, (mean + level).flatten().double(), modes[:, unknown], variances[unknown])


def sampled(config: DictConfig, steps: int, sampler: Sampler, model: GaussianDenoiser, case: Problem) -> Tensor:
    """-> (samples, n^2), float64: from one measurement, trailing timesteps."""
    total = config.schedule.timesteps
    timesteps = torch.arange(total - 1, -1, -total // steps)
    y = case.y.expand(config.samples, -1, -1, -1)
    draws = partial(normal, config, config.samples)
    task = Task(model, case.operator, y, case.row_std, timesteps, model.alphas_cumprod, draws)
    return sampler.sample(task, model).flatten(1).double()


def coverage(samples: Tensor, case: Problem) -> Tensor:
    """-> (levels,): how often mean +- q deviations of the samples hold a draw from the posterior."""
    normal_law = torch.distributions.Normal(torch.zeros((), dtype=torch.float64), 1)
    width = normal_law.icdf((1 + LEVELS.double()) / 2)[:, None] * samples.std(0)
    deviation = (case.modes**2 @ case.variances).sqrt()
    off = samples.mean(0) - case.mean
    return (normal_law.cdf((off + width) / deviation) - normal_law.cdf((off - width) / deviation)).mean(1)


def measured(config: DictConfig, steps: int, sampler: Sampler, model: GaussianDenoiser, case: Problem) -> dict[str, object]:
    """-> one row: the table's cells, and for the figure variance ratios and coverages."""
    started = perf_counter()
    samples = sampled(config, steps, sampler, model, case)
    seconds = perf_counter() - started
    coefficients = (samples - case.mean) @ case.modes
    error = coefficients.mean(0) / case.variances.sqrt()
    standard_errors = error.abs() * config.samples**0.5
    ratio, covered = coefficients.var(0) / case.variances, coverage(samples, case)
    at = {level: float(covered[int((LEVELS - level).abs().argmin())]) for level in (0.5, 0.9)}
    mean_right = standard_errors.square().mean() < 1 + 3 * (2 / len(ratio)) ** 0.5 and standard_errors.max() < LARGEST
    right = mean_right and ratio.min() >= 0.8 and ratio.max() <= 1.25
    return {
        "mean error, posterior deviations (r.m.s.)": f"{error.square().mean().sqrt():.3f}",
        "in standard errors (r.m.s.)": f"{standard_errors.square().mean().sqrt():.2f}",
        "beyond 3": f"{100 * (standard_errors > 3).double().mean():.1f} %",
        "variance ratio: least": f"{ratio.min():.2f}",
        "median": f"{ratio.median():.2f}",
        "largest": f"{ratio.max():.2f}",
        "50 % covers": f"{100 * at[0.5]:.1f} %",
        "90 % covers": f"{100 * at[0.9]:.1f} %",
        "right": "yes" if right else "no",
        "seconds": f"{seconds:.1f}",
        "ratios": band_means(ratio, config.bands).tolist(),
        "errors": band_means(error**2, config.bands).sqrt().tolist(),
        "deviations": band_means(case.variances, config.bands).sqrt().tolist(),
        "coverage": covered.tolist(),
    }


def band_means(values: Tensor, bands: int) -> Tensor:
    """(m,) of modes in the order of their variances -> (bands,)."""
    return torch.stack([band.mean() for band in values.tensor_split(bands)])


def markdown(table: pd.DataFrame) -> str:
    """-> the table's lines."""
    lines = [[table.index.name, *table.columns], ["---"] * (1 + table.shape[1]), *table.reset_index().to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Measure every sampler on every problem and write what was found."""
    torch.set_num_threads(1)
    config = OmegaConf.merge(OmegaConf.load(HERE / "calibration.yaml"), OmegaConf.from_cli())
    into = Path(config.results or HERE)
    into.mkdir(parents=True, exist_ok=True)
    model, rows, sections = image_model(config), {}, []
    for domain, operator in operators(config).items():
        for noise, sigma in config.noise_sigmas.items():
            case = problem(config, model, operator, sigma)
            for steps in config.steps:
                title = f"{domain}, {noise}, {steps} steps"
                for name, choice in config.samplers.items():
                    node = OmegaConf.merge(OmegaConf.load(SAMPLERS / f"{choice.file}.yaml"), choice.get("change", {}))
                    rows[title, name] = measured(config, steps, instantiate(node), model, case)
                table = pd.DataFrame({name: row for (of, name), row in rows.items() if of == title}).T.rename_axis("sampler")
                sections.append(f"## {title}: {len(case.variances)} unknown modes\n\n{markdown(table.drop(columns=CURVES))}\n")
                print(sections[-1])
    head = HEAD.format(samples=config.samples, n=config.box_size, deviation=(2 / config.samples) ** 0.5)
    (into / "calibration.md").write_text(head + "\n".join(sections))
    drawn = {key: row for key, row in rows.items() if key[0].endswith(f" {config.steps[0]} steps")}
    draw(drawn, list(config.figure), LEVELS.tolist()).savefig(into / "calibration.png")


if __name__ == "__main__":
    main()
