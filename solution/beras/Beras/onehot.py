"""One-hot encoding: labels are names, not sizes."""

from __future__ import annotations

import numpy as np

from Beras.core import Callable


class OneHotEncoder(Callable):
    """Turns labels of any kind into vectors with a single 1, and back.

    Attributes:
        uniq: The labels there are, each once, sorted, `(n,)`. None before `fit`.
        uniq2oh: The one-hot vector of each label, `(n,)` float32: label number i of `uniq` has its 1 at i.
    """

    def __init__(self) -> None:
        self.uniq: np.ndarray | None = None
        self.uniq2oh: dict = {}

    def fit(self, data: np.ndarray) -> None:
        """Finds out which labels there are; fills `uniq` and `uniq2oh` anew.

        Args:
            data: Labels, `(N,)`: numbers with or without gaps, strings, ...
        """
        # BEGIN SOLUTION 6.2
        # HINT np.unique sorts as well. The rows of np.eye are the vectors.
        self.uniq = np.unique(data)
        self.uniq2oh = dict(zip(self.uniq.tolist(), np.eye(len(self.uniq), dtype=np.float32), strict=True))
        # END SOLUTION

    def forward(self, data: np.ndarray) -> np.ndarray:
        """Encodes labels. The first call fits: later ones know the same classes, whether they occur or not.

        Args:
            data: Labels, `(N,)`.

        Returns:
            `(N, n)` float32.

        Raises:
            KeyError: A label was not there when the encoder was fitted.
        """
        if self.uniq is None:
            self.fit(data)
        labels, places = np.unique(data, return_inverse=True)
        return np.stack([self.uniq2oh[label] for label in labels.tolist()])[places]

    def inverse(self, data: np.ndarray) -> np.ndarray:
        """Decodes one-hot vectors, or probabilities: the largest counts.

        Args:
            data: `(N, n)`.

        Returns:
            Labels, `(N,)`.
        """
        return np.asarray(self.uniq)[np.argmax(data, axis=-1)]
