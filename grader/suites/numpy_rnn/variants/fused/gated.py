import numpy as np


def sigmoid(X: np.ndarray) -> np.ndarray:
    """The logistic function."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-X))


def init_gates(gates: str, input_dim: int, hidden_dim: int, rng: np.random.Generator) -> dict:
    """Parameters by gate."""
    return {
        kind + gate: rng.normal(size=(hidden_dim if kind == "W" else input_dim, hidden_dim)) / np.sqrt(hidden_dim)
        if kind != "b" else np.zeros((1, hidden_dim))
        for gate in gates for kind in "WUb"
    }


def _stacked(params, gates):
    """Kernel (H + D + 1, gates * H) for [h, X, 1]."""
    return np.vstack([np.hstack([params[kind + gate] for gate in gates]) for kind in "WUb"])


def _unstacked(kernel, gates, H, D):
    grads = {}
    for gate, columns in zip(gates, np.hsplit(kernel, len(gates))):
        grads["W" + gate], grads["U" + gate], grads["b" + gate] = columns[:H], columns[H:H + D], columns[H + D:]
    return grads


def _inputs(X, h):
    return np.hstack([h, X, np.ones((len(X), 1))])


def gru_cell_forward(X: np.ndarray, h: np.ndarray, params: dict):
    """Both gates in one product."""
    v = _inputs(X, h)
    r, z = np.hsplit(sigmoid(v @ _stacked(params, "rz")), 2)
    w = _inputs(X, r * h)
    n = np.tanh(w @ _stacked(params, "h"))
    return (1 - z) * n + z * h, (v, w, r, z, n, h, params)


def gru_cell_backward(dh: np.ndarray, cache: tuple):
    """Both gates in one product."""
    v, w, r, z, n, h, params = cache
    H = h.shape[1]
    D = v.shape[1] - H - 1
    an = dh * (1 - z) * (1 - n**2)
    dw = an @ _stacked(params, "h").T
    a = np.hstack([dw[:, :H] * h * r * (1 - r), dh * (h - n) * z * (1 - z)])
    dv = a @ _stacked(params, "rz").T
    grads = _unstacked(v.T @ a, "rz", H, D) | _unstacked(w.T @ an, "h", H, D)
    return grads, dw[:, H:H + D] + dv[:, H:H + D], dh * z + dw[:, :H] * r + dv[:, :H]


def lstm_cell_forward(X: np.ndarray, h: np.ndarray, c: np.ndarray, params: dict):
    """Four gates in one product."""
    v = _inputs(X, h)
    a = np.hsplit(v @ _stacked(params, "ifog"), 4)
    i, f, o = map(sigmoid, a[:3])
    g = np.tanh(a[3])
    c_new = f * c + i * g
    return o * np.tanh(c_new), c_new, (v, h.shape[1], c, c_new, i, f, o, g, params)


def lstm_cell_backward(dh: np.ndarray, dc: np.ndarray, cache: tuple):
    """Four gates in one product."""
    v, H, c, c_new, i, f, o, g, params = cache
    D = v.shape[1] - H - 1
    t = np.tanh(c_new)
    dc = dc + dh * o * (1 - t**2)
    a = np.hstack([dc * g * i * (1 - i), dc * c * f * (1 - f), dh * t * o * (1 - o), dc * i * (1 - g**2)])
    dv = a @ _stacked(params, "ifog").T
    return _unstacked(v.T @ a, "ifog", H, D), dv[:, H:H + D], dv[:, :H], dc * f
