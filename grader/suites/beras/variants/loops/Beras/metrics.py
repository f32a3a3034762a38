"""Another right solution."""

from __future__ import annotations

import numpy as np

from Beras.core import Callable


class CategoricalAccuracy(Callable):
    """The share of right samples."""

    def forward(self, probs, labels):
        """One number."""
        hits = 0
        for p, label in zip(probs, labels, strict=True):
            hits += int(np.argmax(p) == np.argmax(label))
        return hits / len(labels)
