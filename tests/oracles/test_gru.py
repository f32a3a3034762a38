"""The GRU oracle: literals, and Keras's cell with the same weights."""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles import gru

SIZE, UNITS, BATCH = 3, 4, 5


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20_260_301)


def zeros(**biases: float) -> dict[str, np.ndarray]:
    params = {f"{kind}{gate}": np.zeros((1, 1)) for gate in "rzh" for kind in "WUb"}
    return params | {name: np.full((1, 1), value) for name, value in biases.items()}


def test_step_gives_literals() -> None:
    """All weights 0: half of the state stays. Then a candidate of tanh(1), then one that sees half of a state of 2."""
    x, h = np.zeros((1, 1)), np.array([[2.0]])
    tanh_1 = 0.7615941559557649
    assert gru.step(zeros(), x, h).item() == 1
    assert gru.step(zeros(bh=1.0), x, h).item() == pytest.approx(1 + tanh_1 / 2, abs=1e-15)
    assert gru.step(zeros(Wh=1.0), x, h).item() == pytest.approx(1 + tanh_1 / 2, abs=1e-15)


def test_step_is_that_of_keras(rng: np.random.Generator) -> None:
    import keras

    params = {}
    for gate in gru.GATES:
        params[f"W{gate}"] = rng.normal(size=(UNITS, UNITS))
        params[f"U{gate}"] = rng.normal(size=(SIZE, UNITS))
        params[f"b{gate}"] = rng.normal(size=(1, UNITS))
    cell = keras.layers.GRUCell(UNITS, reset_after=False, dtype="float64")
    x, h = rng.normal(size=(BATCH, SIZE)), rng.normal(size=(BATCH, UNITS))
    cell.build(x.shape)
    # Keras keeps the gates side by side in the order z, r, h.
    cell.set_weights([np.concatenate([params[f"{kind}{gate}"] for gate in "zrh"], axis=1).squeeze() for kind in "UWb"])
    expected, _ = cell(x, h)
    # Both in float64: Keras's sigmoid may round otherwise.
    np.testing.assert_allclose(gru.step(params, x, h), expected, rtol=0, atol=1e-12)
