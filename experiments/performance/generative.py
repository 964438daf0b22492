"""The generative prior: training against a plain loop, sampling against bare network evaluations; see README.md.

Prints a table and writes it to generative.md beside this file, or into the folder of ``results``.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import torch
from commands import kept
from diffusers import DDPMScheduler, UNet2DModel
from diffusers.optimization import get_cosine_schedule_with_warmup
from diffusers.training_utils import EMAModel
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from timing import seconds

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.simulate import simulate
from cryosense.data import ParticleStack, StackStatistics
from cryosense.denoisers import DDPMDenoiser, open_ddpm
from cryosense.operators import LinearOperator

HERE = Path(__file__).parent
BATCH = 16
CHOSEN = {"steps": 40, "repeats": 2, "images": 32, "evaluations": 20, "results": str(HERE)}
CHOSEN |= {"output_dir": "outputs/performance/generative"}  # tables that are there already are not made again
SAMPLERS = ["stationary", "ddnm", "diffpir"]
OPERATORS = {"pixel K = 4, C = 2": ["operator=pixel", "compression=2"], "Fourier radial, C = 2.5": ["operator=fourier"]}


def configured(verb: str, *words: str) -> DictConfig:
    """-> the composed configuration of a verb."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose(verb, overrides=list(words))


def plain_loop(stack: ParticleStack, network: UNet2DModel, steps: int) -> None:
    """What a script around the same diffusers modules does: the libraries' defaults, no Lightning."""
    images = StackStatistics(4.0).fit(stack, 256)(stack[:])[0]
    scheduler, ema = DDPMScheduler(), EMAModel(network.parameters(), decay=0.9999, use_ema_warmup=True, power=0.75)
    optimiser = torch.optim.AdamW(network.parameters(), 1e-4, betas=(0.95, 0.999), weight_decay=1e-6)
    schedule = get_cosine_schedule_with_warmup(optimiser, 500, 10_000)
    loader = iter(torch.utils.data.DataLoader(images, batch_size=BATCH, shuffle=True))
    for _ in range(steps):
        x = next(loader)
        noise, t = torch.randn_like(x), torch.randint(0, 1000, (len(x),))
        loss = torch.nn.functional.mse_loss(network(scheduler.add_noise(x, noise, t), t).sample, noise)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()
        ema.step(network.parameters())


def ours(path: Path, folder: Path, steps: int) -> None:
    """``cryosense train`` for as many steps, its validation, checkpoints and samples left to later ones."""
    never = [f"training.{name}=100000" for name in ("validate_every", "checkpoint_every", "sample_every")]
    words = [f"steps={steps}", f"batch_size={BATCH}", "data=stack", f"data.path={path}", "trainer.accelerator=cpu", *never]
    training = instantiate(configured("train", *words, "+trainer.enable_progress_bar=false").training)
    training.run(training.module(), folder / f"{steps}-{time.monotonic_ns()}")


def training_rows(steps: int, repeats: int) -> list[str]:
    """-> images per second of both; what starting and exporting take is taken off by a run of one step."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        configuration = configured("simulate", f"output_dir={folder}/particles", f"count={BATCH * steps * 2}")
        path = simulate(configuration) / "particles.star"
        stack = ParticleStack.open(path)
        network = instantiate(configured("train").network)
        took = seconds(
            {
                "plain": lambda: plain_loop(stack, network(), steps),
                "ours": lambda: ours(path, folder, steps),
                "start": lambda: ours(path, folder, 1),
            },
            repeats,
            1e9,
        )
    plain = BATCH * steps / took["plain"]
    lightning = BATCH * (steps - 1) / (took["ours"] - took["start"])
    return [
        "| | images per second | over the plain loop | target |",
        "|---|---|---|---|",
        f"| plain loop over the same diffusers modules | {plain:.1f} | 1 | |",
        f"| cryosense train, network=small_64 | {lightning:.1f} | {lightning / plain:.2f} | at least 1.0 |",
    ]


@torch.no_grad()
def bare_evaluations(network: UNet2DModel, x: torch.Tensor, evaluations: int) -> None:
    """The network alone, as often as a sampler asks it."""
    for _ in range(evaluations):
        network(x, 500)


def sampling_rows(denoiser: DDPMDenoiser, images: int, evaluations: int, repeats: int) -> list[str]:
    """-> seconds of samplers over those of bare network evaluations."""
    x = torch.randn(images, 1, denoiser.box_size, denoiser.box_size, generator=torch.Generator().manual_seed(0)) / 4
    lines = ["| operator | sampler | s per image | over NFE x one bare evaluation | target |", "|---|---|---|---|---|"]
    for title, words in OPERATORS.items():
        works = {"bare": lambda: bare_evaluations(denoiser.network, x, evaluations)}
        for name in SAMPLERS:
            cfg = configured(
                "reconstruct",
                "reconstructor=posterior",
                f"sampler={name}",
                f"reconstructor.network_evaluations={evaluations}",
                *words,
            )
            operator: LinearOperator = instantiate(cfg.operator).operator(denoiser.box_size, torch.arange(1))
            reconstructor, y = instantiate(cfg.reconstructor), operator(x)
            assert reconstructor.network_evaluations == evaluations
            works[name] = lambda r=reconstructor, y=y, a=operator: r(y, a)
        took = seconds(works, repeats, 1e9)
        for name in SAMPLERS:
            ratio = took[name] / took["bare"]
            lines.append(f"| {title} | {name} | {took[name] / images:.3f} | {ratio:.2f} | at most 1.1 |")
    return lines


def main() -> None:
    """Measure and write."""
    chosen = OmegaConf.merge(CHOSEN, OmegaConf.from_cli())
    sizes = {key: chosen[key] for key in CHOSEN if key not in {"results", "output_dir"}}
    folder = Path(chosen.output_dir) / "-".join(map(str, sizes.values()))
    sampled = (chosen.images, chosen.evaluations, chosen.repeats)
    text = [
        f"{torch.get_num_threads()} threads, torch {torch.__version__}; batch {BATCH}, 64 px\n",
        kept(folder / "training.md", lambda: "\n".join(training_rows(chosen.steps, chosen.repeats)) + "\n"),
        f"{chosen.images} images of 64 px, {chosen.evaluations} network evaluations each\n",
        kept(folder / "sampling.md", lambda: "\n".join(sampling_rows(open_ddpm(None), *sampled)) + "\n"),
    ]
    into = Path(chosen.results)
    into.mkdir(parents=True, exist_ok=True)
    (into / "generative.md").write_text("\n".join(text))
    print("\n".join(text))


if __name__ == "__main__":
    main()
