"""Loaders of models, weights and what runs leave behind; see :mod:`tests.fuzz.targets`."""

from __future__ import annotations

import gzip
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from diffusers import DDPMPipeline

from cryosense.biology.map_model import chain_atoms
from cryosense.biology.models import read_model
from cryosense.denoisers import open_ddpm
from cryosense.denoisers.pipelines import open_gaussian
from cryosense.metrics.weights import features_from_file
from cryosense.reconstructors.unrolled import open_solver
from cryosense.simulation.files import ModelDensity
from cryosense.tasks.mask_design.ctf_spectra import ctf_spectrum
from cryosense.tasks.mask_design.pilots import Pilot
from tests.biology.peptides import peptide, write
from tests.fuzz.run_targets import RUNS
from tests.fuzz.targets import Target, member, pt, rezipped, saved, star_31
from tests.reconstructors.test_unrolled_saved import SOLVERS
from tests.reconstructors.test_unrolled_saved import write as write_solver
from tests.training.networks import scheduler, tiny_network


def atoms(path: Path) -> None:
    """Read a model in every way that the package does."""
    model = read_model(path)
    [chain.breaks() for chain in model.chains]
    chain_atoms(path)
    ModelDensity(str(path), 8.0).placed_atoms()


def protein(path: Path) -> None:
    write(path, [peptide("MKV", "A"), peptide("GAG", "B", shift=(12, 0, 0))])


def pilot_csv() -> bytes:
    table = pd.DataFrame({"shell": range(9), "frequency_per_angstrom": [i / 60 for i in range(9)], "unmasked": 0.9})
    return table.to_csv(index=False).encode()


def pipeline(folder: Path) -> None:
    if not (folder / "unet").exists():
        with torch.random.fork_rng():
            torch.manual_seed(0)
            DDPMPipeline(unet=tiny_network(), scheduler=scheduler()).save_pretrained(folder)
        facts = {"spectrum": [1.0] * 12, "mean": 0.0, "box_size": 16}
        (folder / "cryosense.json").write_text(json.dumps(facts))


def pipeline_file(name: str) -> bytes:
    def make(path: Path) -> None:
        pipeline(path.parent)
        (path.parent / name).replace(path)

    return saved(make, "")


def solver(folder: Path) -> None:
    if not (folder / "solver.json").exists():
        shutil.copytree(write_solver(folder / "made", SOLVERS[2]), folder, dirs_exist_ok=True)


def solver_file(name: str) -> bytes:
    def make(path: Path) -> None:
        solver(path.parent)
        (path.parent / name).replace(path)

    return saved(make, "")


def weights() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **{"features.0.bias": np.zeros(64, np.float32), "features.3.bias": np.zeros(192, np.float32)})
    return buffer.getvalue()


WEIGHTS = weights()
NETWORK = "unet/diffusion_pytorch_model.safetensors"
TENSORS = pipeline_file(NETWORK)
HEADER = 8 + int.from_bytes(TENSORS[:8], "little")

MORE = [
    Target("pdb", "a.pdb", lambda: [saved(protein, ".pdb")], atoms),
    Target("cif", "a.cif", lambda: [saved(protein, ".cif")], atoms),
    Target("cif_gz", "a.cif.gz", lambda: [gzip.compress(saved(protein, ".cif"))], atoms),
    Target("ctf_star", "a.star", lambda: [saved(star_31, ".star")], lambda path: ctf_spectrum(path, 8, 1.5)),
    Target("weights_npz", "a.npz", lambda: [WEIGHTS], features_from_file, complete=False),
    Target(
        "weights_npy",
        "a.npz",
        lambda: [member(WEIGHTS, "0.bias.npy")],
        features_from_file,
        complete=False,
        wrap=rezipped(WEIGHTS, "0.bias.npy"),
    ),
    Target(
        "weights_pt",
        "a.pt",
        lambda: [pt({"features.0.bias": torch.zeros(64)}, zipped=True)],
        features_from_file,
        complete=False,
    ),
    Target("pilot_csv", "fsc.csv", lambda: [pilot_csv()], lambda path: Pilot.open(str(path), "unmasked", 100)),
    Target(
        "pilot_json",
        "done.json",
        lambda: [json.dumps({"particles": 100, "compression_dof": 1.0}).encode()],
        lambda path: Pilot.open(str(path.parent), "unmasked", None),
        lambda folder: (folder / "fsc.csv").write_bytes(pilot_csv()),
    ),
    *RUNS,
    *(
        Target(
            name,
            file,
            lambda file=file: [pipeline_file(file)],
            lambda path, up=up, load=load: load(str(path.parents[up])),
            pipeline,
        )
        for name, file, up, load in (
            ("scheduler", "scheduler/scheduler_config.json", 1, open_ddpm),
            ("network", "unet/config.json", 1, open_ddpm),
            ("facts", "cryosense.json", 0, open_gaussian),
        )
    ),
    Target(
        "safetensors",
        NETWORK,
        lambda: [TENSORS[:HEADER]],
        lambda path: open_ddpm(str(path.parents[1])),
        pipeline,
        wrap=lambda header: header + TENSORS[HEADER:],
    ),
    *(
        Target(f"solver_{file}", file, lambda file=file: [solver_file(file)], lambda path: open_solver(path.parent), solver)
        for file in ("solver.json", "cryosense.json", "model.safetensors")
    ),
]
