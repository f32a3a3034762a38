import numpy as np


def sigmoid(X: np.ndarray) -> np.ndarray:
    """The logistic function."""
    out = np.empty_like(X)
    positive = X >= 0
    out[positive] = 1 / (1 + np.exp(-X[positive]))
    e = np.exp(X[~positive])
    out[~positive] = e / (1 + e)
    return out


def init_gates(gates: str, input_dim: int, hidden_dim: int, rng: np.random.Generator) -> dict:
    """Parameters by gate."""
    params = {}
    for g in gates:
        params["W" + g] = rng.normal(0, 1 / np.sqrt(hidden_dim), (hidden_dim, hidden_dim))
        params["U" + g] = rng.normal(0, 1 / np.sqrt(input_dim), (input_dim, hidden_dim))
        params["b" + g] = np.zeros((1, hidden_dim))
    return params


def gru_cell_forward(X: np.ndarray, h: np.ndarray, params: dict):
    """Written out."""
    p = params
    r = sigmoid(h @ p["Wr"] + X @ p["Ur"] + p["br"])
    z = sigmoid(h @ p["Wz"] + X @ p["Uz"] + p["bz"])
    rh = r * h
    n = np.tanh(rh @ p["Wh"] + X @ p["Uh"] + p["bh"])
    return n + z * (h - n), dict(X=X, h=h, p=p, r=r, z=z, rh=rh, n=n)


def gru_cell_backward(dh: np.ndarray, cache: dict):
    """Written out."""
    X, h, p, r, z, rh, n = (cache[k] for k in ("X", "h", "p", "r", "z", "rh", "n"))
    dn = dh * (1 - z)
    dz = dh * (h - n)
    dh_old = dh * z
    an = dn * (1 - n * n)
    drh = an @ p["Wh"].T
    dr = drh * h
    dh_old = dh_old + drh * r
    ar = dr * r * (1 - r)
    az = dz * z * (1 - z)
    dh_old = dh_old + ar @ p["Wr"].T + az @ p["Wz"].T
    dX = an @ p["Uh"].T + ar @ p["Ur"].T + az @ p["Uz"].T
    g = {}
    for k, a, state in (("h", an, rh), ("r", ar, h), ("z", az, h)):
        g["W" + k] = state.T @ a
        g["U" + k] = X.T @ a
        g["b" + k] = a.sum(axis=0)[None]
    return g, dX, dh_old


def lstm_cell_forward(X: np.ndarray, h: np.ndarray, c: np.ndarray, params: dict):
    """Written out."""
    p = params
    i = sigmoid(h @ p["Wi"] + X @ p["Ui"] + p["bi"])
    f = sigmoid(h @ p["Wf"] + X @ p["Uf"] + p["bf"])
    o = sigmoid(h @ p["Wo"] + X @ p["Uo"] + p["bo"])
    g = np.tanh(h @ p["Wg"] + X @ p["Ug"] + p["bg"])
    c_new = f * c + i * g
    return o * np.tanh(c_new), c_new, dict(X=X, h=h, c=c, p=p, i=i, f=f, o=o, g=g, c_new=c_new)


def lstm_cell_backward(dh: np.ndarray, dc: np.ndarray, cache: dict):
    """Written out."""
    X, h, c, p = (cache[k] for k in ("X", "h", "c", "p"))
    i, f, o, g, c_new = (cache[k] for k in ("i", "f", "o", "g", "c_new"))
    t = np.tanh(c_new)
    total = dc + dh * o * (1 - t * t)
    a = {"o": dh * t * o * (1 - o), "f": total * c * f * (1 - f), "i": total * g * i * (1 - i)}
    a["g"] = total * i * (1 - g * g)
    grads, dX, dh_old = {}, 0, 0
    for k in a:
        grads.update({"W" + k: h.T @ a[k], "U" + k: X.T @ a[k], "b" + k: a[k].sum(axis=0, keepdims=True)})
        dX = dX + a[k] @ p["U" + k].T
        dh_old = dh_old + a[k] @ p["W" + k].T
    return grads, dX, dh_old, total * f
