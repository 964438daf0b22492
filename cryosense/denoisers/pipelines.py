"""Folders and hub ids of diffusers pipelines, as denoisers."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from cryosense import fourier
from cryosense.denoisers.ddpm import DDPMDenoiser
from cryosense.denoisers.gaussian import GaussianDenoiser
from cryosense.denoisers.network_size import refuse_vast
from cryosense.errors import ArgumentError, PipelineError
from cryosense.files.limits import read_json

if TYPE_CHECKING:  # diffusers takes seconds to import, which only who opens a network should wait for
    from diffusers import DDPMScheduler, UNet2DModel

SHIPPED = Path(__file__).parent / "shipped" / "small_64"
FACTS = "cryosense.json"  # beside the weights: what images the model was trained on
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
LARGEST_BOX = 4096  # pixels; what a file claims is not believed beyond
MOST_TIMESTEPS = 100_000
PREDICTIONS = ("epsilon", "v_prediction", "sample")


def open_ddpm(path: str | None = None, precision: str = "float32") -> DDPMDenoiser:
    """Open the model in a ``DDPMPipeline`` folder or at a hub id; None is the one that comes with cryosense.

    ``precision``: see ``DDPMDenoiser``.

    Raises:
        PipelineError: no such pipeline, weights that cannot be read, more than one channel, a schedule without abar_t, or
            with one that reaches zero.
    """
    name = str(SHIPPED) if path is None else path
    scheduler = _scheduler(name)
    network = _network(name)
    alphas_cumprod, prediction = scheduler.alphas_cumprod, scheduler.config["prediction_type"]
    return DDPMDenoiser(network, alphas_cumprod, prediction, _gaussian(name, alphas_cumprod), precision)


def open_gaussian(path: str | None = None) -> GaussianDenoiser:
    """Return the Gaussian model with the spectrum of a model's training images: the baseline that learning has to beat.

    Raises:
        PipelineError: as ``open_ddpm`` does, or for a folder that does not state the spectrum.
    """
    name = str(SHIPPED) if path is None else path
    gaussian = _gaussian(name, _scheduler(name).alphas_cumprod)
    if gaussian is None:
        raise PipelineError(
            f"denoiser.path={name}: {FACTS} does not state the spectrum of its training images, as cryosense train writes it: "
            "use GaussianFromImages, which learns one from images that are held back"
        )
    return gaussian


def _scheduler(name: str) -> DDPMScheduler:
    from diffusers import DDPMScheduler

    if not Path(name).is_dir() and not HUB_ID.fullmatch(name):
        raise PipelineError(f"denoiser.path={name}: there is no such folder, and it is not a hub id (owner/name)")
    try:
        config: dict[str, Any] = dict(DDPMScheduler.load_config(name, subfolder="scheduler"))
    except Exception as error:  # of files, hub and network; and diffusers takes any JSON for an object
        raise PipelineError(
            f"denoiser.path={name}: no scheduler/scheduler_config.json there, or the hub cannot be reached (without a network "
            f"give a folder): a DDPMPipeline such as cryosense train writes is needed ({_first_line(error)})"
        ) from error
    beta = {"beta_start", "beta_end", "beta_schedule"} <= set(config) or config.get("trained_betas") is not None
    if not beta or config.get("prediction_type", "epsilon") not in PREDICTIONS:
        raise PipelineError(
            f"denoiser.path={name}: its scheduler, {config.get('_class_name')}, is not one of a denoising diffusion model "
            f"with betas that predicts one of {', '.join(PREDICTIONS)}: samplers need abar_t; use a DDPM or DDIM pipeline"
        )
    # Other schedulers of the same diffusion state more than its schedule, which is all that is wanted here.
    known = inspect.signature(DDPMScheduler).parameters
    try:
        if not 1 <= int(config.get("num_train_timesteps", 1)) <= MOST_TIMESTEPS:
            raise ArgumentError(f"num_train_timesteps={config['num_train_timesteps']}")
        scheduler = DDPMScheduler.from_config({key: value for key, value in config.items() if key in known})
        abar = scheduler.alphas_cumprod
        if not bool((abar > 0).all() & (abar <= 1).all()):
            raise ArgumentError(
                f"abar_t runs from {abar[0]:.3g} to {abar[-1]:.3g}; samplers divide by it, so its last step must keep some of "
                "the image: a schedule of zero terminal signal-to-noise ratio (rescale_betas_zero_snr) cannot be used"
            )
        return scheduler
    except Exception as error:  # numbers that make no schedule make torch raise whatever they run into
        raise PipelineError(f"denoiser.path={name}: scheduler_config.json states no schedule: {_first_line(error)}") from error


def _network(name: str) -> UNet2DModel:
    from diffusers import UNet2DModel

    try:
        refuse_vast(dict(UNet2DModel.load_config(name, subfolder="unet")), Path(name) / "unet")
        how = {"subfolder": "unet", "low_cpu_mem_usage": False, "output_loading_info": True, "torch_dtype": torch.float32}
        network, loaded = UNet2DModel.from_pretrained(name, variant=_variant(Path(name) / "unet"), **how)
        # diffusers draws weights at random where the file has none.
        if loaded["missing_keys"] or loaded["unexpected_keys"] or loaded["mismatched_keys"]:
            odd = sorted(map(str, [*loaded["missing_keys"], *loaded["unexpected_keys"], *loaded["mismatched_keys"]]))
            raise ArgumentError(f"weights and configuration disagree about {odd[0]}")
    except Exception as error:  # diffusers builds whatever the configuration says and raises whatever that runs into
        raise PipelineError(
            f"denoiser.path={name}: its network (unet/) cannot be read: download or train it again ({_first_line(error)})"
        ) from error
    channels = network.config["in_channels"], network.config["out_channels"]
    if channels != (1, 1):
        raise PipelineError(f"denoiser.path={name}: its network has {channels} channels in and out, particle images have one")
    return network


def _variant(folder: Path) -> str | None:
    """Return what diffusers calls the weights in the folder: ``fp16`` if there are only those in half precision."""
    variants = {path.name.split(".")[1] for path in folder.glob("diffusion_pytorch_model.*") if len(path.suffixes) > 1}
    plain = any(len(path.suffixes) == 1 for path in folder.glob("diffusion_pytorch_model.*"))
    return "fp16" if "fp16" in variants and not plain else None


def _gaussian(name: str, alphas_cumprod: Tensor) -> GaussianDenoiser | None:
    path = Path(name) / FACTS
    facts = read_json(path) if path.is_file() else {}
    if "spectrum" not in facts:
        return None
    try:
        shells, size = torch.tensor(facts["spectrum"], dtype=torch.float64), int(facts["box_size"])
        # The corners of the transform of an image are sqrt(2) times as far out as its sides.
        if (
            size > LARGEST_BOX
            or len(shells) != round(2**0.5 * (size // 2)) + 1
            or not bool((shells >= 0).all() & shells.isfinite().all())
        ):
            raise ArgumentError(f"{len(shells)} shells for a box of {size} px")
        return GaussianDenoiser(float(facts["mean"]), shells[fourier.shell_index(size)], alphas_cumprod)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise PipelineError(
            f"denoiser.path={name}: what {FACTS} says about its training images is impossible: {type(error).__name__}: {error}"
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200]
