"""The l1 norm of coefficients beside a measurement, where the data step too is simple in these coefficients."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense import fourier
from cryosense.operators import FourierSampling, LinearOperator, PixelMasking
from cryosense.priors import DCT, L1, Prior, Wavelet
from cryosense.priors.haar_blocks import HaarBlocks
from cryosense.solvers.thresholding import Layout, ThresholdADMM

QUADRANTS = Layout(fourier.to_quadrants, fourier.from_quadrants, torch.zeros(1, dtype=torch.int64))


def threshold_admm(
    prior: Prior, y: Tensor, operator: LinearOperator, rho: Tensor, weight: float, relaxation: float
) -> ThresholdADMM | None:
    """Return ADMM on coefficients for ``|A x - y|^2 / 2 + weight Psi(x)``, or None where it would be no faster.

    It is for the DCT of what Fourier masks measure, since cosines are in both, and for Haar wavelets of what pixel masks
    measure, since both see one block at a time. ``rho``: (1 or b, 1, 1, 1).
    """
    if type(prior) is not L1:
        return None
    basis = prior.basis
    if type(basis) is DCT and type(operator) is FourierSampling:
        layout, move = QUADRANTS, operator.quadrant_move(y, rho)
    elif type(basis) is Wavelet and type(operator) is PixelMasking:
        blocks = HaarBlocks.of(basis, operator.box_size, operator.block_size)
        if blocks is None:
            return None
        layout, move = blocks.layout, blocks.outside(operator.block_move(y, rho, blocks.matrix))
    else:
        return None
    spared = layout.coarse[:0] if prior.penalise_coarse else layout.coarse
    return ThresholdADMM(layout, move, weight / rho, spared, relaxation)
