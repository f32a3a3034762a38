"""A toy that a vanilla RNN learns in seconds, and a look at how gradients fare on their way back through time.

python toy.py              trains on the echo task and shows what has been learnt
python toy.py --norms      draws the norms of gradients over the time steps of four networks: norms.png
"""

from __future__ import annotations

import argparse

import numpy as np
from gated import gru_cell_backward, gru_cell_forward, init_gates, lstm_cell_backward, lstm_cell_forward
from rnn import Arrays, bptt, clip_by_norm, init_model, rnn_forward, sgd_step, zero_state


def echo_batch(
    num_steps: int, batch_size: int, num_symbols: int, delay: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draws sequences of random symbols; what is asked for at each step is the symbol of some steps before.

    Args:
        num_steps: T.
        batch_size: B.
        num_symbols: S.
        delay: How many steps before. Where there is no such step yet, symbol 0 is asked for.
        rng: Draws the symbols, each as often as the others.

    Returns:
        The symbols as one-hot vectors, `(T, B, S)` float64, and what is asked for, `(T, B)` integers.
    """
    # BEGIN SOLUTION 5.1
    # HINT `np.eye(S)[symbols]` turns an array of integers into one-hot vectors.
    symbols = rng.integers(0, num_symbols, size=(num_steps, batch_size))
    echo = np.zeros_like(symbols)
    echo[delay:] = symbols[: max(0, num_steps - delay)]
    return np.eye(num_symbols)[symbols], echo
    # END SOLUTION


def train_echo(num_symbols: int = 4, delay: int = 2, seed: int = 0) -> tuple[Arrays, list[float]]:
    """Trains a vanilla RNN on the echo task, with `bptt`, `clip_by_norm` and `sgd_step`.

    Args:
        num_symbols: S, the number of inputs and of classes.
        delay: As of `echo_batch`.
        seed: Of all that is random.

    Returns:
        The trained model, and for each update the loss, divided by the number of steps.
    """
    # BEGIN SOLUTION 5.1
    # HINT A fresh batch for each update. 16 to 64 hidden units and some 12 steps a sequence will do.
    # HINT The gradient is that of a sum over steps: divide by their number, or choose the learning rate with that in
    # HINT mind. A rate of about 1 (for the mean) is not too much here.
    rng = np.random.default_rng(seed)
    num_steps, batch_size, hidden_dim = 12, 32, 32
    model = init_model(num_symbols, hidden_dim, num_symbols, rng)
    losses = []
    for _ in range(100):
        X, y = echo_batch(num_steps, batch_size, num_symbols, delay, rng)
        grads, loss, _ = bptt(model, X, y, zero_state(hidden_dim, batch_size), clip=None)
        grads = clip_by_norm({name: grad / num_steps for name, grad in grads.items()}, 1.0)
        sgd_step(model, grads, learning_rate=1.0)
        losses.append(loss / num_steps)
    return model, losses
    # END SOLUTION


def gradient_norms(cell: str, params: Arrays, X: np.ndarray, dh_last: np.ndarray) -> np.ndarray:
    """How long the gradient of a loss at the end is, on its way back through the states.

    The loss is sum(dh_last * h_T), h_T being the state after the last step; all sequences start from zero states.

    Args:
        cell: "rnn" (one step: h' = tanh(X Wxh + h Whh + bh)), "gru" or "lstm".
        params: Parameters of that cell; for "rnn" a model, of which Why and by are not used.
        X: Inputs, `(T, B, D)`.
        dh_last: `(B, H)`.

    Returns:
        `(T + 1,)`: entry t is the norm (the root of the sum of squares, over batch and units) of the gradient with
        respect to the state after t steps; the last one is the norm of `dh_last`. The state of an LSTM is h and c, its
        norm that of both together.
    """
    # BEGIN SOLUTION 5.2
    # HINT Forward with all caches, then backward from `dh_last`, with a norm after each step.
    # HINT An LSTM starts with a dc of zeros. For the RNN a step back is one line.
    h, caches = np.zeros_like(dh_last), []
    c = np.zeros_like(h)
    for x in X:
        if cell == "rnn":
            h = np.tanh(x @ params["Wxh"] + h @ params["Whh"] + params["bh"])
            cache = h
        elif cell == "gru":
            h, cache = gru_cell_forward(x, h, params)
        elif cell == "lstm":
            h, c, cache = lstm_cell_forward(x, h, c, params)
        else:
            raise ValueError(f"there is no cell {cell!r}; expected rnn, gru or lstm")
        caches.append(cache)
    dh, dc = dh_last, np.zeros_like(dh_last)
    norms = [np.linalg.norm(dh)]
    for cache in reversed(caches):
        if cell == "rnn":
            dh = (dh * (1 - cache**2)) @ params["Whh"].T
        elif cell == "gru":
            _, _, dh = gru_cell_backward(dh, cache)
        else:
            _, _, dh, dc = lstm_cell_backward(dh, dc, cache)
        norms.append(np.hypot(np.linalg.norm(dh), np.linalg.norm(dc)))
    return np.array(norms[::-1])
    # END SOLUTION


# -- The program: given, nothing to do below ---------------------------------------------------------------------------


def show_echo() -> None:
    """Trains, and prints how often the echo is right, and one sequence with it."""
    num_symbols, delay = 4, 2
    model, losses = train_echo(num_symbols, delay)
    for update in range(0, len(losses), max(1, len(losses) // 8)):
        print(f"update {update:>5}: loss {losses[update]:.4f} a step")
    X, y = echo_batch(20, 500, num_symbols, delay, np.random.default_rng(99))
    _, scores, _, _ = rnn_forward(X, y, model, zero_state(model["Whh"].shape[0], 500))
    predicted = np.argmax(scores, axis=2)
    print(f"{np.mean(predicted == y):.1%} of the echoes of new sequences of 20 are right")
    for what, row in (("symbols", np.argmax(X, axis=2)), ("asked for", y), ("said", predicted)):
        print(f"{what:>10}: {' '.join(map(str, row[:, 0]))}")


def draw_norms(path: str, num_steps: int = 60, hidden_dim: int = 32) -> None:
    """Draws the norms for two vanilla RNNs, a GRU and an LSTM with the same inputs.

    Args:
        path: Of the picture.
        num_steps: T.
        hidden_dim: H.
    """
    import figures

    rng = np.random.default_rng(3)
    batch_size, input_dim = 8, 4
    X = 0.5 * rng.standard_normal((num_steps, batch_size, input_dim))
    dh_last = rng.standard_normal((batch_size, hidden_dim))
    dh_last /= np.linalg.norm(dh_last)
    curves = {}
    for what, radius in (("vanishes", 0.8), ("explodes", 1.7)):
        model = init_model(input_dim, hidden_dim, 2, rng)
        model["Whh"] *= radius / np.abs(np.linalg.eigvals(model["Whh"])).max()
        model["Wxh"] *= 0.1  # far from saturation, where tanh itself would make gradients small
        curves[f"RNN, largest eigenvalue {radius}: {what}"] = gradient_norms("rnn", model, X, dh_last)
    gru, lstm = init_gates("rzh", input_dim, hidden_dim, rng), init_gates("ifog", input_dim, hidden_dim, rng)
    gru["bz"] += 3
    lstm["bf"] += 3
    curves["GRU, bias of the update gate 3"] = gradient_norms("gru", gru, X, dh_last)
    curves["LSTM, bias of the forget gate 3"] = gradient_norms("lstm", lstm, X, dh_last)
    figures.gradient_norms(curves, path)


def main(arguments: list[str] | None = None) -> None:
    """Does what the command line says.

    Args:
        arguments: Those after the program's name; None means `sys.argv`.
    """
    parser = argparse.ArgumentParser(description="The echo task, and gradients on their way back through time.")
    parser.add_argument("--norms", action="store_true", help="draw the norms of gradients instead of training")
    parser.add_argument("--out", default="norms.png", help="where the picture goes (default: %(default)s)")
    options = parser.parse_args(arguments)
    if options.norms:
        draw_norms(options.out)
        print(f"{options.out} is drawn")
    else:
        show_echo()


if __name__ == "__main__":
    main()
