"""Cells of a sweep: where the run of a configuration is, and how it is identified."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

from cryosense.cli.measured import measured_words
from cryosense.cli.running import part_of
from cryosense.runs.code import code_version
from cryosense.runs.own_code import own_code
from cryosense.runs.record import shard_directory
from cryosense.runs.shards import Sharding
from cryosense.tasks.reconstruct.weights import WeightCache

# Where, by how many, in what portions and under whose eyes a run is made does not change it.
WITHOUT_EFFECT = ("chunk_size", "shard", "threads", "device", "tracker")
# What a run keeps does not change the weight of its prior.
WITHOUT_EFFECT_ON_WEIGHT = (*WITHOUT_EFFECT, "write_images", "write_samples", "draw_example", "relion_root")


@dataclass(frozen=True)
class Cell:
    """One run of one configuration, or one shard of it.

    Attributes:
        output_dir: the directory of the sweep.
        label: operator, masks, compression and reconstructor in one word.
        identity: the resolved configuration, without what does not change the run.
        weight_identity: the part of it on which the weight of a prior depends.
        sharding: which part of the run this is.
    """

    output_dir: Path
    label: str
    identity: str
    weight_identity: str
    sharding: Sharding

    @classmethod
    def of(cls, cfg: DictConfig) -> Cell:
        """Return the cell of a composed ``reconstruct`` config. Raises OmegaConf's errors for an incomplete one."""
        plain: Any = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
        operator = plain["operator"]
        masks = operator.get("masks")
        configured = (
            getattr(get_object(operator["_target_"]), "domain", operator.get("name")),
            *([masks["_target_"].rpartition(".")[2]] if masks else []),
            f"C{plain['compression']:g}",
        )
        words = (*(measured_words(plain) or configured), reconstructor_name(plain["reconstructor"]))
        return cls(
            output_dir=Path(plain["output_dir"]),
            label="-".join(words),
            identity=part_of(plain, WITHOUT_EFFECT),
            weight_identity=part_of(plain, WITHOUT_EFFECT_ON_WEIGHT),
            sharding=Sharding(plain["shard"]["index"], plain["shard"]["count"]),
        )

    @property
    def run_id(self) -> str:
        """Identifier of the run, a digest of its identity."""
        return _digest(self.identity)

    @property
    def name(self) -> str:
        """The run's identifier, with the number of the shard."""
        return self.run_id if self.sharding.count == 1 else f"{self.run_id}-{self.sharding.index}-of-{self.sharding.count}"

    @property
    def run_directory(self) -> Path:
        """Where the whole run is, or will be."""
        return self.output_dir / f"{self.label}-{self.run_id}"

    @property
    def directory(self) -> Path:
        """Where this cell is made."""
        whole = self.run_directory
        return whole if self.sharding.count == 1 else shard_directory(whole, self.sharding.index, self.sharding.count)

    @property
    def directory_now(self) -> Path:
        """Where this cell is now: once all shards are done they are the run."""
        return self.directory if self.directory.is_dir() else self.run_directory

    @property
    def own_identity(self) -> str:
        """What this cell is, as in its ``config.yaml``."""
        return self.identity if self.sharding.count == 1 else self.identity + self.sharding.suffix

    def weights(self, fingerprint: str) -> WeightCache:
        """Return where the weight of its prior is kept, for data with this fingerprint and this version of the code."""
        code = code_version() + own_code(self.identity)
        return WeightCache(self.output_dir / ".weights", _digest(f"{self.weight_identity}{fingerprint}{code}"))


def reconstructor_name(node: Mapping[str, Any]) -> str:
    """Return what a reconstructor calls itself: by its parameter ``name``, else by its class."""
    target = get_object(node["_target_"])
    return str(node.get("name") or getattr(target, "name", target.__name__))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
