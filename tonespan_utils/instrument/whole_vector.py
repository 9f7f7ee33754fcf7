"""How far does a layer look where no probe says what it looks for: the energy of the whole hidden vector.

The hidden vector h of a layer at the centre frame has the Jacobian J = dh/dx; ``|J_t|^2``, summed over all directions
of h, says how much any of it moves with input sample t. It is estimated without bias from a few random orthonormal
directions u as the mean of ``(u J)_t^2`` (Hutchinson 1990). The directions are drawn once for a layer and serve every
vowel, so that vowels are compared along the same ones.

A direction is a probe whose classes are the directions: everything else is :mod:`.gradients`.

Notebook: notebooks/explorer
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tonespan_utils.statistics.classifier import LinearClassifier

N_DIRECTIONS = 8  # random directions of the hidden vector; more of them make the span steadier, at a backward pass each


def directions(
    widths: Mapping[str, int], *, n_directions: int = N_DIRECTIONS, seed: int = 0
) -> dict[str, LinearClassifier]:
    """Random orthonormal directions of each layer, layer -> classifier with a class for each direction.

    ``widths``: layer -> length of its hidden vector; no more directions than that are drawn.
    """
    rng = np.random.default_rng(seed)
    drawn = {}
    for layer, width in widths.items():
        basis, _ = np.linalg.qr(rng.normal(size=(width, min(n_directions, width))))
        names = tuple(map(str, range(basis.shape[1])))
        drawn[layer] = LinearClassifier(names, basis.T.copy(), np.zeros(len(names)))
    return drawn
