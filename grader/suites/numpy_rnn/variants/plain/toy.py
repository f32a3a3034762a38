import numpy as np
from gated import gru_cell_backward, gru_cell_forward, lstm_cell_backward, lstm_cell_forward
from rnn import bptt, init_model, sgd_step, zero_state


def echo_batch(num_steps: int, batch_size: int, num_symbols: int, delay: int, rng: np.random.Generator):
    """A symbol at a time."""
    X = np.zeros((num_steps, batch_size, num_symbols))
    y = np.zeros((num_steps, batch_size), dtype=np.int32)
    symbols = rng.choice(num_symbols, (num_steps, batch_size))
    for t in range(num_steps):
        for b in range(batch_size):
            X[t, b, symbols[t, b]] = 1
            if t - delay >= 0:
                y[t, b] = symbols[t - delay, b]
    return X, y


def train_echo(num_symbols: int = 4, delay: int = 2, seed: int = 0):
    """Plain descent, clipped element by element."""
    rng = np.random.default_rng(seed)
    model = init_model(num_symbols, 48, num_symbols, rng)
    losses = []
    for _ in range(600):
        X, y = echo_batch(10, 20, num_symbols, delay, rng)
        grads, loss, _ = bptt(model, X, y, zero_state(48, 20))
        sgd_step(model, grads, 0.05)
        losses.append(loss / 10)
    return model, np.array(losses)


def gradient_norms(cell: str, params: dict, X: np.ndarray, dh_last: np.ndarray):
    """A list of norms."""
    h, c = np.zeros(dh_last.shape), np.zeros(dh_last.shape)
    caches = []
    for x in X:
        if cell == "lstm":
            h, c, cache = lstm_cell_forward(x, h, c, params)
        elif cell == "gru":
            h, cache = gru_cell_forward(x, h, params)
        else:
            h = cache = np.tanh(np.dot(x, params["Wxh"]) + np.dot(h, params["Whh"]) + params["bh"])
        caches.insert(0, cache)
    dh, dc = dh_last, 0 * dh_last
    norms = [np.sqrt((dh**2).sum())]
    for cache in caches:
        if cell == "lstm":
            _, _, dh, dc = lstm_cell_backward(dh, dc, cache)
        elif cell == "gru":
            dh = gru_cell_backward(dh, cache)[2]
        else:
            dh = np.dot((1 - cache**2) * dh, params["Whh"].T)
        norms.insert(0, np.sqrt((dh**2).sum() + (dc**2).sum()))
    return norms
