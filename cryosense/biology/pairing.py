"""Which chain of one model is which of another: by sequence, then by place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from cryosense.biology.alignment import Alignment, align
from cryosense.biology.models import ALPHA_CARBON, Chain, ProteinModel
from cryosense.biology.rmsd import Superposition, superpose
from cryosense.errors import ArgumentError


@dataclass(frozen=True)
class ChainPair:
    """Chains ``a`` and ``b``, by their index in their models, whose sequences are alike."""

    a: int
    b: int
    alignment: Alignment


@dataclass(frozen=True)
class Pairing:
    """How chains are paired.

    Attributes:
        minimum_identity: identity of the aligned residues below which two chains are different proteins.
        minimum_coverage: least matched share of the shorter chain.
        place_scale_angstrom: how near alpha carbons must be to be at one place; see ``place_scores``.

    Raises:
        ArgumentError: shares outside (0, 1], or a scale that is not positive.
    """

    minimum_identity: float = 0.5
    minimum_coverage: float = 0.3
    place_scale_angstrom: float = 5.0

    def __post_init__(self) -> None:
        shares = self.minimum_identity, self.minimum_coverage
        if not all(0 < share <= 1 for share in shares) or not self.place_scale_angstrom > 0:
            raise ArgumentError(
                f"minimum_identity, minimum_coverage = {shares} must be above 0 and at most 1, "
                f"place_scale_angstrom={self.place_scale_angstrom} positive"
            )

    def by_sequence(self, a: ProteinModel, b: ProteinModel) -> list[ChainPair]:
        """Return all pairs of chains with the same sequence, as far as they were built."""
        pairs = (ChainPair(i, j, align(one, other)) for i, one in enumerate(a.chains) for j, other in enumerate(b.chains))
        return [pair for pair in pairs if self._alike(pair.alignment)]

    def _alike(self, alignment: Alignment) -> bool:
        covered = max(alignment.coverage_a, alignment.coverage_b)
        return covered >= self.minimum_coverage and alignment.identity >= self.minimum_identity

    def by_place(self, scores: Tensor, pairs: list[ChainPair]) -> list[int]:
        """Return the indices of pairs, each chain in at most one, that have the highest sum of ``scores`` (p,)."""
        if not pairs:
            return []
        table = np.zeros((1 + max(pair.a for pair in pairs), 1 + max(pair.b for pair in pairs)))
        number = {}
        for k, pair in enumerate(pairs):
            table[pair.a, pair.b], number[pair.a, pair.b] = float(scores[k]), k
        chosen = zip(*linear_sum_assignment(table, maximize=True), strict=True)
        return sorted(number[i, j] for i, j in chosen if (i, j) in number)

    def place_scores(self, moving: Tensor, fixed: Tensor, pair: Tensor, pairs: int) -> Tensor:
        """Return the sum of ``1 / (1 + (d / scale)^2)`` over distances d in Angstrom for each pair of chains, (p,).

        Matched alpha carbons are (t, 3), (t, 3), and ``pair`` (t,) is the pair of each. Zhang and Skolnick's (2004) term: it
        counts residues that are in place, and stray ones hardly matter.
        """
        distance = (moving - fixed).norm(dim=-1) / self.place_scale_angstrom
        return torch.zeros(pairs, dtype=torch.float64).index_add_(0, pair, 1 / (1 + distance**2))

    def into_frame(self, pairs: list[ChainPair], a: ProteinModel, b: ProteinModel) -> Superposition:
        """Return the rigid motion of all of ``b`` that brings most of its residues to their places in ``a``; p = 1.

        The candidates are the superpositions of the longest chain of ``a`` that has partners onto each of these.
        """
        atoms = MatchedAtoms.of(pairs, a, b)
        carbons = atoms.only(atoms.kind == ALPHA_CARBON)
        longest = max((pair.a for pair in pairs), key=lambda chain: (len(a.chains[chain]), -chain))
        motions = superpose(atoms.b, atoms.a, atoms.pair, len(pairs))
        best = (-1.0, motions)
        for seed in (k for k, pair in enumerate(pairs) if pair.a == longest):
            motion = Superposition(motions.rotations[seed : seed + 1], motions.translations[seed : seed + 1])
            moved = motion(carbons.b, torch.zeros_like(carbons.pair))
            scores = self.place_scores(moved, carbons.a, carbons.pair, len(pairs))
            total = float(scores[self.by_place(scores, pairs)].sum())
            best = max(best, (total, motion), key=lambda found: found[0])
        return best[1]


@dataclass(frozen=True)
class MatchedAtoms:
    """Backbone atoms that both residues of a match have, those of all pairs one after the other.

    Attributes:
        a, b: (t, 3) Angstrom.
        pair: (t,) int64, index of the pair of chains.
        match: (t,) int64, index of the matched residue, counted through all pairs.
        kind: (t,) int64, 0 to 3: N, CA, C, O.
    """

    a: Tensor
    b: Tensor
    pair: Tensor
    match: Tensor
    kind: Tensor

    @classmethod
    def of(cls, pairs: list[ChainPair], a: ProteinModel, b: ProteinModel) -> MatchedAtoms:
        """Collect the atoms of pairs of chains."""
        positions_a = _gather([(a.chains[pair.a], pair.alignment.rows_a) for pair in pairs])
        positions_b = _gather([(b.chains[pair.b], pair.alignment.rows_b) for pair in pairs])
        both = positions_a.isfinite().all(-1) & positions_b.isfinite().all(-1)  # (m, 4)
        match, kind = both.nonzero(as_tuple=True)
        lengths = torch.tensor([len(pair.alignment) for pair in pairs], dtype=torch.int64)
        pair = torch.repeat_interleave(torch.arange(len(pairs)), lengths)
        return cls(positions_a[both], positions_b[both], pair[match], match, kind)

    def only(self, chosen: Tensor) -> MatchedAtoms:
        """Return the atoms chosen by (t,) bool."""
        return MatchedAtoms(*(each[chosen] for each in (self.a, self.b, self.pair, self.match, self.kind)))


def _gather(parts: list[tuple[Chain, tuple[int, ...]]]) -> Tensor:
    """Return the backbones of these rows of these chains one after the other, (m, 4, 3)."""
    empty = torch.empty(0, 4, 3, dtype=torch.float64)
    return torch.cat([empty, *(chain.backbone[torch.tensor(rows, dtype=torch.int64)] for chain, rows in parts)])
