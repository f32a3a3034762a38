"""Another right solution: a set and a loop."""

from __future__ import annotations

import numpy as np

from Beras.core import Callable


class OneHotEncoder(Callable):
    """Labels to vectors, and back."""

    def __init__(self):
        self.uniq = None
        self.uniq2oh = {}

    def fit(self, data):
        """Finds the labels."""
        self.uniq = sorted(set(np.asarray(data).tolist()))
        self.uniq2oh = {}
        for i, label in enumerate(self.uniq):
            row = np.zeros(len(self.uniq))
            row[i] = 1
            self.uniq2oh[label] = row

    def forward(self, data):
        """(N,) -> (N, n)."""
        if self.uniq is None:
            self.fit(data)
        return np.stack([self.uniq2oh[label] for label in np.asarray(data).tolist()])

    def inverse(self, data):
        """(N, n) -> (N,)."""
        return np.asarray(self.uniq)[np.argmax(data, axis=-1)]
