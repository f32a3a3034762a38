"""Another right solution."""

from __future__ import annotations

import numpy as np

from Beras.core import Callable


class CategoricalAccuracy(Callable):
    """The share of right samples."""

    def forward(self, probs, labels):
        """One number."""
        hits = np.argmax(probs, axis=1) == np.argmax(labels, axis=1)
        return np.mean(hits)
