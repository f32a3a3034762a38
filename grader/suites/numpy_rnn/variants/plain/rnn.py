import numpy as np

"""Another hand: explicit loops, one-hot vectors, caches as dictionaries."""


def softmax(X: np.ndarray) -> np.ndarray:
    """X is (B, C); rows of probabilities."""
    eX = np.exp((X.T - np.max(X, axis=1)).T)
    return (eX.T / eX.sum(axis=1)).T


def cross_entropy(y_pred: np.ndarray, y_train: np.ndarray) -> float:
    """y_pred (B, C) scores, y_train (B,) labels."""
    y = np.atleast_1d(y_train).ravel()
    p = softmax(y_pred)
    return -np.sum(np.log(p[range(len(y)), y] + 1e-300)) / len(y)


def cross_entropy_backward(y_pred: np.ndarray, y_train: np.ndarray) -> np.ndarray:
    """Gradient (B, C) of the mean."""
    one_hot = np.eye(y_pred.shape[1])[np.atleast_1d(y_train).ravel()]
    return (softmax(y_pred) - one_hot) / y_pred.shape[0]


def fc_forward(X: np.ndarray, W: np.ndarray, b: np.ndarray):
    """A dense layer: X (B, n), W (n, m), b (1, m)."""
    return np.dot(X, W) + b, (W, X)


def fc_backward(dout: np.ndarray, cache: tuple):
    """Gradients of X, W, b."""
    W, X = cache
    return np.dot(dout, W.T), np.dot(X.T, dout), np.sum(dout, axis=0).reshape(1, -1)


def tanh_forward(X: np.ndarray):
    """tanh and its cache."""
    out = np.tanh(X)
    return out, out


def tanh_backward(dout: np.ndarray, cache: np.ndarray):
    """Gradient through tanh."""
    return (1 - cache**2) * dout


def init_model(input_dim: int, hidden_dim: int, output_dim: int, rng: np.random.Generator) -> dict:
    """D, H, C -> a model."""
    return dict(
        Wxh=rng.normal(size=(input_dim, hidden_dim)) * np.sqrt(1 / input_dim),
        Whh=np.linalg.qr(rng.normal(size=(hidden_dim, hidden_dim)))[0],
        Why=rng.normal(size=(hidden_dim, output_dim)) * np.sqrt(1 / hidden_dim),
        bh=np.zeros((1, hidden_dim)),
        by=np.zeros((1, output_dim)),
    )


def zero_state(hidden_dim: int, batch_size: int = 1) -> np.ndarray:
    """(B, H) zeros."""
    return np.zeros((batch_size, hidden_dim))


def cell_fn_forward(X: np.ndarray, h: np.ndarray, model: dict, train: bool = True):
    """One step; X (B, D), h (B, H)."""
    inside = np.einsum("bd,dh->bh", X, model["Wxh"]) + np.einsum("bh,hk->bk", h, model["Whh"]) + model["bh"]
    h_new = np.tanh(inside)
    y = np.dot(h_new, model["Why"]) + model["by"]
    cache = {"X": X.copy(), "before": h.copy(), "after": h_new, "model": {k: v.copy() for k, v in model.items()}}
    if not train:
        return softmax(y), h_new, cache
    return y, h_new, cache


def rnn_forward(X_train: np.ndarray, y_train: np.ndarray, model: dict, initial_state: np.ndarray, verbose: bool = False):
    """All steps."""
    h = np.array(initial_state)
    ys, caches, losses = [], [], []
    for t in range(len(X_train)):
        y, h, cache = cell_fn_forward(X_train[t], h, model, train=True)
        ys.append(y)
        caches.append(cache)
        losses.append(cross_entropy(y, y_train[t]))
        if verbose:
            print("t =", t, "x =", X_train[t], "h =", h, "y =", y)
    return h, ys, caches, sum(losses)


def cell_fn_backward(y_pred: np.ndarray, y_train: np.ndarray, dh_next: np.ndarray, cache: dict):
    """One step back."""
    m = cache["model"]
    dy = cross_entropy_backward(y_pred, y_train)
    grads = {"Why": np.outer(cache["after"], dy) if len(dy) == 1 else cache["after"].T @ dy}
    grads["by"] = dy.sum(0, keepdims=True)
    dh = dy @ m["Why"].T + dh_next
    dz = dh - dh * cache["after"] ** 2
    grads["Wxh"] = np.zeros_like(m["Wxh"])
    grads["Whh"] = np.zeros_like(m["Whh"])
    grads["bh"] = np.zeros_like(m["bh"])
    for row in range(len(dz)):
        grads["Wxh"] += np.outer(cache["X"][row], dz[row])
        grads["Whh"] += np.outer(cache["before"][row], dz[row])
        grads["bh"] += dz[row]
    grads["X"] = dz @ m["Wxh"].T
    return grads, dz @ m["Whh"].T


def bptt(
    model: dict,
    X_train: np.ndarray,
    y_train: np.ndarray,
    initial_state: np.ndarray,
    clip: float = 5.0,
    truncate: int = None,
):
    """A piece at a time, from the first to the last."""
    length = truncate or len(X_train)
    state, loss = initial_state, 0
    total = {key: np.zeros(np.shape(model[key])) for key in model}
    for start in range(0, len(X_train), length):
        stop = min(start + length, len(X_train))
        end, ys, caches, part = rnn_forward(X_train[start:stop], y_train[start:stop], model, state)
        dh = 0 * state
        for t in range(stop - start - 1, -1, -1):
            grads, dh = cell_fn_backward(ys[t], y_train[start + t], dh, caches[t])
            for key in total:
                total[key] = total[key] + grads[key]
        state = end
        loss = loss + part
    if clip is not None:
        for key in total:
            total[key] = np.minimum(np.maximum(total[key], -clip), clip)
    return total, loss, state


def clip_by_norm(grads: dict, max_norm: float) -> dict:
    """Rescales in place."""
    norm = np.linalg.norm(np.concatenate([g.ravel() for g in grads.values()]))
    if norm > max_norm:
        for g in grads.values():
            np.multiply(g, max_norm / norm, out=g)
    return grads


def sgd_step(model: dict, grads: dict, learning_rate: float) -> None:
    """Rescales in place."""
    for key in ("Wxh", "Whh", "Why", "bh", "by"):
        np.subtract(model[key], learning_rate * grads[key], out=model[key])
