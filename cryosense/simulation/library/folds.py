"""How alike two sequences are, which chains are of one fold, and which split a fold belongs to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import gemmi

from .listing import SPLITS

ALIKE_PERCENT = 25.0
SHARES = {"training": 0.7, "validation": 0.1, "test": 0.2}
# What sequences alone would tear apart: of one fold in the structural classifications, at 15 to 30 % of identity.
FAMILIES = (
    "ABL1 AKT1 AKT2 CDK2 CSF1R EGFR FGFR1 IGF1R JAK2 KDR KIT LCK MAP2K1 MAPK14 MAPK1 MAPKAPK2 MET PLK1 PTK2 ROCK1 SRC",
    "AR ESR1 ESR2 NR3C1 PGR PPARA PPARD PPARG THRB 1a28A 1a28B",
    "ADORA2A ADRB1 ADRB2 DRD2U DRD3",
    "F2 F10",
    "BACE1 REN 1hvrA 4E43A pdbqt_inputpdbqtA pdbqt_inputpdbqtB",
    "1BD2A 1BD2B 1BD2D 1BD2E 3KPRA 3KPRD 3KPRE 3PWPB 3PWPD 3PWPE",
    "ADAM17 MMP13",
    "CYP2C9 CYP3A4",
)


def identity_percent(one: str, other: str) -> float:
    """Return identical residues of a global alignment, in per cent of the mean length of both sequences.

    The alignment is Needleman and Wunsch's by BLOSUM62 with affine gaps, as gemmi makes it. Of the list's pairs half have 19 %
    or more, by chance; in per cent of the shorter sequence, or of what is aligned, short chains would be like everything.
    """
    three = [gemmi.expand_one_letter_sequence(sequence, gemmi.ResidueKind.AA) for sequence in (one, other)]
    matches = gemmi.align_string_sequences(three[0], three[1], [], gemmi.AlignmentScoring("b")).match_count
    return 200.0 * matches / (len(one) + len(other))


def folds(names: Sequence[str], sequences: Sequence[str], alike: Callable[[str, str], float] = identity_percent) -> list[str]:
    """Return the fold of each chain, named by its first member: chains that are alike, and what is alike to any of them.

    That is single linkage. Chains are alike from ALIKE_PERCENT of identity on, or in one of FAMILIES.
    """
    first = list(range(len(names)))

    def root(index: int) -> int:
        while first[index] != index:
            index = first[index]
        return index

    family = {name: number for number, members in enumerate(FAMILIES) for name in members.split()}
    for i, j in combinations(range(len(names)), 2):
        a, b = root(i), root(j)
        related = family.get(names[i], -1) == family.get(names[j], -2)
        if a != b and (related or alike(sequences[i], sequences[j]) >= ALIKE_PERCENT):
            first[max(a, b)] = min(a, b)
    return [names[root(index)] for index in range(len(names))]


def splits(of_fold: Sequence[str]) -> list[str]:
    """Return the split of each chain: whole folds, the largest first, each to the split that lacks most of its share."""
    sizes = {fold: of_fold.count(fold) for fold in of_fold}
    missing = {split: SHARES[split] * len(of_fold) for split in SPLITS}
    chosen: dict[str, str] = {}
    for fold in sorted(sizes, key=lambda each: (-sizes[each], each)):
        chosen[fold] = max(SPLITS, key=lambda split: missing[split])
        missing[chosen[fold]] -= sizes[fold]
    return [chosen[fold] for fold in of_fold]
