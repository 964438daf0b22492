"""The laws of a score, for testing your own."""

from __future__ import annotations

import torch

from cryosense.laws import equal, hold
from cryosense.metrics.score_table import ImageScore
from cryosense.seeding import standard_normals


def check_score(score: ImageScore, box_size: int = 32, seed: int = 0, higher_is_better: bool | None = None) -> None:
    """Check that a score of two images obeys the laws, on images in [-1, 1].

    The laws: one finite number for each image; images are left as they were; no image depends on others; more noise is never
    better, nor is anything better than the reference itself.

    Args:
        score: maps two stacks of images (b, 1, n, n) to (b,).
        box_size: of the images.
        seed: of the images.
        higher_is_better: its direction; None takes that of its attribute, by default true.

    Raises:
        LawError: naming the first law that is broken.
    """
    drawn = standard_normals(seed, [(i, 0) for i in range(8)], (1, box_size, box_size))
    reference, noise = torch.from_numpy(drawn / abs(drawn).max()).reshape(2, 4, 1, box_size, box_size)
    x, before = reference + 0.2 * noise, reference + 0.2 * noise
    values = score(x, reference)
    hold(f"one number for each of 4 images, not shape {tuple(values.shape)}", values.shape == (4,))
    hold("numbers are finite", bool(values.isfinite().all()))
    equal("images are left as they were", x, before, 0.0)
    alone = torch.cat([score(x[i : i + 1], reference[i : i + 1]) for i in range(4)])
    equal("an image does not see its neighbours", alone, values, 1e-6)
    better = getattr(score, "higher_is_better", True) if higher_is_better is None else higher_is_better
    sign = 1.0 if better else -1.0
    mean = [float((sign * score(reference + part * noise, reference)).mean()) for part in (0.0, 0.2, 0.6)]
    said = "higher" if better else "lower"
    hold(f"{said} is better: noise does not improve it", mean[0] >= mean[1] >= mean[2])
