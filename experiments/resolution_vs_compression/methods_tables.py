"""Tables of methods.py: the published claims, chance, and every cell."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from methods_findings import MEASURES

HEADINGS = {"half_maps": "half maps", "corrected": "corrected", "to_truth": "to truth", "cross": "cross"}
LEGEND = (
    "FSC of the half maps at 0.143, unmasked and corrected for a mask about the molecule; of the map to the truth at 0.5; and "
    "the half-map FSC that the cross-FSC to the uncompressed other half implies, at 0.143."
)
SHELLS_THAT_COUNT = 1.0
SHELLS_UNSEEN = 5.0
OTHERS = ["groel, other particles", "groel, others still"]
POSTERIOR = ("posterior", "posterior, mean of 4")
PRIORS = ("DCT", "wavelet", "TV", *POSTERIOR)


@dataclass(frozen=True)
class Claim:
    """A statement: compression, methods and domain of the cells that it is about, and whether these keep the resolution."""

    text: str
    compressions: tuple[float, ...]
    methods: tuple[str, ...]
    domains: tuple[str, ...]
    keeps: bool

    def of(self, rows: pd.DataFrame) -> pd.DataFrame:
        """-> those of the cells that it is about."""
        chosen = rows["compression"].isin(self.compressions) & rows["method"].isin(self.methods)
        return rows[chosen & rows["domain"].isin(self.domains)]


FLAT, ALL = ("Fourier",), ("Fourier", "pixel")
CLAIMS = (
    Claim("C = 1.5: DDPM, pixel masks, keeps", (1.5,), POSTERIOR, ("pixel",), True),
    Claim("C = 1.5: DCT, Fourier masks, keeps", (1.5,), ("DCT",), FLAT, True),
    Claim("C = 2.5: DCT, Fourier masks, keeps", (2.5,), ("DCT",), FLAT, True),
    Claim("C = 2.5: others degrade (pixel masks)", (2.5,), PRIORS, ("pixel",), False),
    Claim("C = 2.5: others degrade (Fourier masks)", (2.5,), PRIORS[1:], FLAT, False),
    Claim("C above 2.5: all degrade", (4.0, 8.0), PRIORS, ALL, False),
    Claim("beside it: C = 1.5, no prior (pinv), keeps", (1.5,), ("pinv",), ALL, True),
    Claim("beside it: C = 2.5, no prior (pinv), keeps", (2.5,), ("pinv",), ALL, True),
    Claim("beside it: C = 2.5, designed masks, keeps", (2.5,), ("mask-aware",), ("designed",), True),
    Claim("beside it: C = 4, designed masks, keeps", (4.0,), ("mask-aware",), ("designed",), True),
)


def markdown(table: pd.DataFrame) -> str:
    """-> all tables."""
    pixel, designed = table["masks"].str.startswith("pixel"), table["masks"] == "variable density"
    domain = pixel.map({True: "pixel", False: "Fourier"}).mask(designed, "designed")
    paper = table["masks"].str.contains("paper").map({True: "the paper's", False: "symmetric"})
    sharing = table["shared"].map({True: "one for all", False: "own"})
    table = table.assign(domain=domain, kind=paper.mask(domain != "Fourier", domain) + ", " + sharing)
    return "\n".join([*_claims(table), "", *_chance(table), "", *_curves(table), "", *_cells(table)]) + "\n"


def _claims(table: pd.DataFrame) -> list[str]:
    lines = [
        "## The published claims",
        "",
        "Cells that behave as claimed, of all that there are, by each measure; in brackets the shells that they lost. Lost: "
        f"more than {SHELLS_THAT_COUNT:g} shell against the uncompressed map of the same particles. {LEGEND}",
        "",
        f"| claim | particles | masks | C (dof) | {' | '.join(HEADINGS.values())} |",
        f"| --- | --- | --- | --- | {' | '.join('---' for _ in HEADINGS)} |",
    ]
    for claim in CLAIMS:
        cells = claim.of(table)
        for (density, kind), rows in cells.groupby([cells["density"].replace(OTHERS, "groel"), "kind"], sort=False):
            as_claimed = [_as_claimed(rows[f"lost_{name}"], keeps=claim.keeps) for name in HEADINGS]
            dof = _range(rows["compression_dof"], "{:.2f}")
            lines.append(f"| {claim.text} | {density} | {kind} | {dof} | {' | '.join(as_claimed)} |")
    return lines


def _as_claimed(lost: pd.Series, *, keeps: bool) -> str:
    held = (lost <= SHELLS_THAT_COUNT) == keeps
    return f"{held.sum()} of {len(held)} ({_range(lost, '{:.1f}')})"


def _range(numbers: pd.Series, form: str) -> str:
    ends = [form.format(number) for number in (numbers.min(), numbers.max())]
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def _chance(table: pd.DataFrame) -> list[str]:
    """-> what other particles of the same molecule give in the same cells: differences are to be held against that."""
    known = table[table["density"].isin(["groel", *OTHERS])]
    names = [*(f"lost_{name}" for name in MEASURES), "worth_cross"]
    scatter = known.groupby(["masks", "method", "compression", "shared"], sort=False)[names].agg(["count", "mean", "std"])
    scatter = scatter[scatter[("worth_cross", "count")] > 1]
    whole = known.groupby("density", sort=False)[[f"uncompressed_{name}" for name in MEASURES]].first()
    lines = [
        "## Chance",
        "",
        f"{len(whole)} data sets of the same molecule, of other particles: uncompressed they are resolved to "
        + "; ".join(f"{_range(whole[f'uncompressed_{name}'], '{:.1f}')} shells ({HEADINGS[name]})" for name in MEASURES)
        + ". Shells lost, and equivalent particles: mean ± standard deviation over them.",
        "",
        f"| masks | method | C | data sets | {' | '.join(HEADINGS.values())} | equivalent particles, % |",
        f"| --- | --- | ---: | ---: | {' | '.join('---:' for _ in HEADINGS)} | ---: |",
    ]
    for (masks, method, compression, _), row in scatter.iterrows():
        shells = [f"{row[(name, 'mean')]:.1f} ± {row[(name, 'std')]:.1f}" for name in names[:-1]]
        worth = f"{100 * row[('worth_cross', 'mean')]:.0f} ± {100 * row[('worth_cross', 'std')]:.0f}"
        count = int(row[("worth_cross", "count")])
        lines.append(f"| {masks} | {method} | {compression:g} | {count} | {' | '.join(shells)} | {worth} |")
    return lines


def _curves(table: pd.DataFrame) -> list[str]:
    """-> FSC without compression, and of the cells that lose far more to the truth than half maps say."""
    lines = ["## Curves", "", "FSC in shells 1 and on. Half maps, uncompressed:", ""]
    for density, rows in table.groupby("density", sort=False):
        lines.append(f"- {density}: {rows['curve_uncompressed'].iloc[0]}")
    lines += ["", f"Cells that lose over {SHELLS_UNSEEN:g} shells more to the truth than by half maps:", ""]
    for _, row in table[table["lost_to_truth"] - table["lost_half_maps"] > SHELLS_UNSEEN].iterrows():
        what = f"{row['density']}, {row['masks']}, C = {row['compression']:g}, {row['method']}, {row['kind'].split(', ')[1]}"
        lines += [f"- {what}", f"  - half maps: {row['curve_half_maps']}", f"  - to the truth: {row['curve_to_truth']}"]
    return lines


def _cells(table: pd.DataFrame) -> list[str]:
    lines = [
        "## Every cell",
        "",
        "Shells lost against the uncompressed map of the same particles (negative: gained); equivalent particles in percent "
        "of them, by the cross-FSC and by half maps (more by half maps: the halves share what is not in the particles).",
    ]
    for (density, shared), rows in table.groupby(["density", "shared"], sort=False):
        whole = [f"{rows[f'uncompressed_{name}'].iloc[0]:.1f} ({HEADINGS[name]})" for name in MEASURES]
        lines += [
            "",
            f"**{density}, {'one mask set for all particles' if shared else 'masks of its own for each particle'}**. "
            f"Uncompressed, shells: {'; '.join(whole)}.",
            "",
            f"| masks | method | C nominal | C dof | {' | '.join(HEADINGS.values())} | equivalent, cross | half maps | s |",
            f"| --- | --- | ---: | ---: | {' | '.join('---:' for _ in HEADINGS)} | ---: | ---: | ---: |",
        ]
        for (masks, method), line in rows.groupby(["masks", "method"], sort=False):
            lines += [_line(masks, method, row) for _, row in line.sort_values("compression").iterrows()]
    return lines


def _line(masks: str, method: str, row: pd.Series) -> str:
    shells = " | ".join(f"{row[f'lost_{name}']:.1f}" for name in MEASURES)
    worth = " | ".join("" if pd.isna(row[name]) else f"{100 * row[name]:.0f}" for name in ("worth_cross", "worth_half_maps"))
    seconds = "" if pd.isna(row["seconds_per_image"]) else f"{row['seconds_per_image']:.2g}"
    compression = f"{row['compression_nominal']:.2f} | {row['compression_dof']:.2f}"
    return f"| {masks} | {method} | {compression} | {shells} | {worth} | {seconds} |"
