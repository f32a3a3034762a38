"""How the tests call your code. Each function here is one thing that a test can ask for.

Tests never see your objects: they pass arrays and plain numbers to these functions and get the same back. Nothing here
knows what the right answer is. You may read this file to see how your code is called, and call it yourself; changing
it has no effect, since grading puts its own copy in place. It holds both parts of the assignment, hence its length.

Shapes: T time steps, B batch, D features of the input, H hidden units, C classes. A model and a gradient are
dictionaries with the keys `Wxh`, `Whh`, `Why`, `bh`, `by`.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from kit import probes

Arrays = dict[str, np.ndarray]
kept: dict[str, Any] = {}  # objects that stay here between the calls of one test, such as a model


def _values(answer: Any, what: str, names: str) -> list[Any]:
    """The values of a tuple or list that has as many as there are names."""
    expected = names.split(", ")
    if answer is None:
        raise TypeError(f"`{what}` returned None; is a `return` missing?")
    if not isinstance(answer, (tuple, list)) or len(answer) != len(expected):
        got = f"{len(answer)} values" if isinstance(answer, (tuple, list)) else type(answer).__name__
        raise TypeError(f"wrong number of values: `{what}` returned {got}; expected {len(expected)}: {names}")
    return list(answer)


def _copied(arrays: Arrays) -> Arrays:
    return {name: np.array(array) for name, array in arrays.items()}


def _changed(before: Arrays, after: Arrays) -> list[str]:
    """Names of the arrays that are not what they were, bit by bit."""
    return [name for name, array in before.items() if not np.array_equal(array, after.get(name))]


@contextlib.contextmanager
def _moved(arrays: Arrays, name: str, place: int, step: float):
    """The arrays, one of whose entries (counted in row order) is larger by `step` for the time being."""
    flat = arrays[name].reshape(-1)
    value = flat[place]
    flat[place] = value + step
    try:
        yield
    finally:
        flat[place] = value


# -- 1: forward -------------------------------------------------------------------------------------------------------


def cell_forward(X: np.ndarray, h: np.ndarray, model: Arrays, train: bool = True) -> dict[str, Any]:
    """One call of `cell_fn_forward`.

    Returns:
        `y` and `h`: what it returned; `changed`: which of its arguments it changed.
    """
    from rnn import cell_fn_forward

    arguments = {"X": X, "h": h, **model}
    before = _copied(arguments)
    y, new_h, _ = _values(cell_fn_forward(X, h, model, train=train), "cell_fn_forward", "y, h, cache")
    changed = _changed(before, {"X": X, "h": h, **model})
    return {"y": y, "h": new_h, "changed": changed}


def forward(X: Any, y: Any, model: Arrays, initial_state: np.ndarray, verbose: bool = False) -> Any:
    """One call of `rnn_forward`.

    Args:
        X: An array `(T, B, D)` or a list of T arrays; y likewise `(T, B)`, or for B = 1 a list of T integers.

    Returns:
        `last`, `ys`, `loss`: what it returned; `caches`: how many; `printed`: what it said on the terminal.
    """
    from rnn import rnn_forward

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        answer = rnn_forward(X, y, model, initial_state, verbose=verbose)
    last, ys, caches, loss = _values(answer, "rnn_forward", "state, ys, caches, loss")
    return {"last": last, "ys": ys, "loss": loss, "caches": len(caches), "printed": said.getvalue()[:1000]}


def losses_nearby(
    X: np.ndarray,
    y: np.ndarray,
    model: Arrays,
    initial_state: np.ndarray,
    names: list[str],
    places: np.ndarray,
    steps: np.ndarray,
) -> list[Any]:
    """Losses of `rnn_forward` for models that differ from this one in one entry each.

    Args:
        names: Of the array in which each differs, with the entry in row order (`places`) and by how much (`steps`).
    """
    from rnn import rnn_forward

    losses = []
    for name, place, step in zip(names, places.tolist(), steps.tolist(), strict=True):
        with _moved(model, name, place, step):
            losses.append(rnn_forward(X, y, model, initial_state)[-1])
    return losses


# -- 2: backward ------------------------------------------------------------------------------------------------------


def cell_backward(
    X: np.ndarray,
    h: np.ndarray,
    model: Arrays,
    y_pred: np.ndarray,
    y_train: Any,
    dh_next: np.ndarray,
) -> dict[str, Any]:
    """`cell_fn_forward`, then `cell_fn_backward` with its cache and with these scores.

    Args:
        y_train: `(B,)`, or for B = 1 an integer.

    Returns:
        `h`: the state that the forward step gave; `grads`, `dh`: what the backward step returned.
    """
    from rnn import cell_fn_backward, cell_fn_forward

    _, new_h, cache = _values(cell_fn_forward(X, h, model), "cell_fn_forward", "y, h, cache")
    new_h = np.array(new_h)
    answer = cell_fn_backward(y_pred, y_train, dh_next, cache)
    grads, dh = _values(answer, "cell_fn_backward", "gradients, dh_next")
    return {"h": new_h, "grads": grads, "dh": dh}


def bptt(X: Any, y: Any, model: Arrays, initial_state: np.ndarray, options: dict[str, Any]) -> Any:
    """One call of `bptt`.

    Args:
        X: As for `forward`; y, too.
        options: Those of `clip` and `truncate` that are passed on.

    Returns:
        `grads`, `loss`, `last`: what it returned; `changed`: which of its arguments it changed.
    """
    import rnn

    arguments = {"X_train": X, "y_train": y, "initial_state": initial_state, **model}
    before = _copied(arguments)
    grads, loss, last = _values(rnn.bptt(model, X, y, initial_state, **options), "bptt", "gradients, loss, state")
    changed = _changed(before, {"X_train": X, "y_train": y, "initial_state": initial_state, **model})
    return {"grads": grads, "loss": loss, "last": last, "changed": changed}


def clip_by_norm(grads: Arrays, max_norm: float) -> Any:
    """What `clip_by_norm` returns."""
    import rnn

    return rnn.clip_by_norm(grads, max_norm)


def sgd_step(model: Arrays, grads: Arrays, learning_rate: float) -> dict[str, Any]:
    """One call of `sgd_step`.

    Returns:
        `model`: the arrays that it was given, afterwards; `entries`: what the dictionary holds afterwards.
    """
    import rnn

    arrays = dict(model)
    rnn.sgd_step(model, grads, learning_rate)
    return {"model": arrays, "entries": dict(model)}


# -- 3: the gradient check --------------------------------------------------------------------------------------------


def gradient_check(
    X: np.ndarray,
    y: np.ndarray,
    model: Arrays,
    initial_state: np.ndarray,
    grads: Arrays | None = None,
    broken: list[Any] | None = None,
    settings: dict[str, float] | None = None,
) -> dict[str, Any]:
    """One call of `rnn_gradient_check`.

    Args:
        grads: What the `bptt_fn` that it is given returns as the gradient, clipped as it is asked to; None: it is given
            none, and checks your `bptt`.
        broken: Name, index, factor, number: that entry of the gradient is multiplied by the one, the other is added.
        settings: Those of `h` and `error_threshold` that are passed on.

    Returns:
        `errors`: what it returned; `printed`: what it said; `changed`: which entries of the model it changed; `clips`:
        the `clip` with which it called the `bptt_fn`, for each call.
    """
    from gradcheck import rnn_gradient_check
    from rnn import rnn_forward

    options: dict[str, Any] = dict(settings or {})
    clips: list[Any] = []
    if grads is not None:
        if broken is not None:
            name, index, factor, number = broken
            grads[name][tuple(index)] = grads[name][tuple(index)] * factor + number

        def given(
            model: Arrays, X_train: Any, y_train: Any, initial_state: Any, clip: Any = 5.0, truncate: Any = None
        ) -> Any:
            clips.append(clip)
            last, _, _, loss = rnn_forward(X_train, y_train, model, initial_state)
            limit = np.inf if clip is None else clip
            return {name: np.clip(value, -limit, limit) for name, value in grads.items()}, loss, last

        options["bptt_fn"] = given
    before = _copied(model)
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        errors = rnn_gradient_check(model, X, y, initial_state, **options)
    printed = said.getvalue()[-100_000:]
    return {"errors": errors, "printed": printed, "changed": _changed(before, model), "clips": clips}


# -- 4: gated cells ---------------------------------------------------------------------------------------------------


def gated_forward(states: Arrays, params: Arrays) -> Any:
    """The new states of one step of a gated cell.

    Args:
        states: `X` and `h` for a GRU; `c` besides for an LSTM.
    """
    import gated

    if "c" in states:
        h, c, _ = _values(
            gated.lstm_cell_forward(states["X"], states["h"], states["c"], params), "lstm_cell_forward", "h, c, cache"
        )
        return [h, c]
    h, _ = _values(gated.gru_cell_forward(states["X"], states["h"], params), "gru_cell_forward", "h, cache")
    return [h]


def gated_forward_nearby(
    states: Arrays, params: Arrays, names: list[str], places: np.ndarray, steps: np.ndarray
) -> list[Any]:
    """`gated_forward` for arguments that differ from these in one entry each; see `losses_nearby`."""
    arrays = {**states, **params}
    answers = []
    for name, place, step in zip(names, places.tolist(), steps.tolist(), strict=True):
        with _moved(arrays, name, place, step):
            answers.append([np.array(state) for state in gated_forward(states, params)])
    return [np.stack(column) for column in zip(*answers, strict=True)]


def gated_backward(states: Arrays, params: Arrays, upstream: list[np.ndarray]) -> dict[str, Any]:
    """A step of a gated cell, and the step back with its cache.

    Args:
        upstream: The gradients of the new states: of h for a GRU, of h and c for an LSTM.

    Returns:
        `grads`: those of the parameters; `X`, `h` and, for an LSTM, `c`: those of the step's arguments.
    """
    import gated

    if "c" in states:
        *_, cache = gated.lstm_cell_forward(states["X"], states["h"], states["c"], params)
        answer = gated.lstm_cell_backward(*upstream, cache)
        names = ["grads", "X", "h", "c"]
        return dict(zip(names, _values(answer, "lstm_cell_backward", "gradients, dX, dh_prev, dc_prev"), strict=True))
    *_, cache = gated.gru_cell_forward(states["X"], states["h"], params)
    answer = gated.gru_cell_backward(*upstream, cache)
    return dict(zip(["grads", "X", "h"], _values(answer, "gru_cell_backward", "gradients, dX, dh_prev"), strict=True))


# -- 5: the toy -------------------------------------------------------------------------------------------------------


def echo_batch(num_steps: int, batch_size: int, num_symbols: int, delay: int, seed: int) -> Any:
    """What `echo_batch` draws: X and y."""
    import toy

    return toy.echo_batch(num_steps, batch_size, num_symbols, delay, np.random.default_rng(seed))


def train_echo(num_symbols: int, delay: int, seed: int) -> dict[str, Any]:
    """What `train_echo` returns.

    Returns:
        `model`, `losses`.
    """
    import toy

    model, losses = _values(toy.train_echo(num_symbols, delay, seed), "train_echo", "model, losses")
    return {"model": model, "losses": list(losses)}


def gradient_norms(cell: str, params: Arrays, X: np.ndarray, dh_last: np.ndarray) -> Any:
    """What `gradient_norms` returns."""
    import toy

    return toy.gradient_norms(cell, params, X, dh_last)


# -- 6: the classifier ------------------------------------------------------------------------------------------------


def make_classifier(arguments: dict[str, Any], shake: float = 0.0, spread: float = 0.0) -> list[Any]:
    """Makes an `RNNSequenceClassifier` and calls it once; the functions below then use it.

    Args:
        arguments: Of its `__init__`.
        shake: Standard deviation of noise that is added to every weight: biases start at 0 otherwise.
        spread: Standard deviation of the noise that takes the place of every weight; 0 leaves them alone.

    Returns:
        The weights.
    """
    import tensorflow as tf
    from classifier import RNNSequenceClassifier

    model = kept["model"] = RNNSequenceClassifier(**arguments)
    with probes.eagerly():
        model(tf.zeros((2, 784)))
    rng = np.random.default_rng(7)
    for variable in model.trainable_variables if shake else []:
        variable.assign_add((shake * rng.standard_normal(variable.shape)).astype(np.float32))
    for variable in model.trainable_variables if spread else []:
        variable.assign((spread * rng.standard_normal(variable.shape)).astype(np.float32))
    return [np.array(variable) for variable in model.trainable_variables]


def raises(arguments: dict[str, Any]) -> str:
    """Makes a classifier and calls it; the name of the error that this ends with, "" if none.

    An open task counts as an error of its own kind, and passes through.
    """
    try:
        make_classifier(arguments)
    except NotImplementedError:
        raise
    except Exception as error:
        return type(error).__name__
    return ""


def classify(images: np.ndarray, training: bool = False) -> Any:
    """Scores of the classifier for images `(B, 784)` or `(B, 28, 28)` float32."""
    import tensorflow as tf

    with probes.eagerly():
        return kept["model"](tf.constant(images), training=training)


def scale_readout(units: int, classes: int, factor: float) -> int:
    """Multiplies the readout's weights, told by their shapes; returns how many of them are `(units, classes)`."""
    kernels = 0
    for variable in kept["model"].trainable_variables:
        shape = tuple(size for size in variable.shape if size > 1)
        if shape in ((units, classes), (classes,)):
            variable.assign(factor * variable)
            kernels += shape == (units, classes)
    return kernels


def classify_alike(images: np.ndarray, arguments: dict[str, Any]) -> Any:
    """Scores of another classifier, made with these arguments, that has the weights of the first."""
    weights = kept["model"].get_weights()
    make_classifier(arguments)
    kept["model"].set_weights(weights)
    return classify(images)


def l2_loss() -> Any:
    """What `l2_loss()` of the classifier returns."""
    return kept["model"].l2_loss()


# -- 7: training ------------------------------------------------------------------------------------------------------


def _kit_model(classes: int, l2_lambda: float, script: list[float] | None) -> Any:
    """A made-up classifier, so that `train` is judged apart from yours: scores are linear in pixels 1 to 4.

    Pixel 0 is the number of an image: with it the model notes which images it has seen, and whether in training. Its
    `l2_loss` is that of a weight which nothing else depends on. With a script it acts as if it got better or worse: the
    score of the class that pixels 1 to 3 stand for is the script's first number, and its next one each time that
    validation images, from 1000 on, are seen after it has learnt.
    """
    import keras
    import tensorflow as tf

    class KitModel(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.readout = keras.layers.Dense(classes, kernel_initializer="zeros")
            self.spare = self.add_weight(shape=(), initializer="ones", name="spare")
            self.seen: list[tuple[bool, np.ndarray]] = []
            self.margins = list(script or [])
            self.margin = self.margins[0] if self.margins else 0.0
            self.has_learnt = self.is_told = False  # told: that it is in training

        def call(self, images: Any, training: Any = False) -> Any:
            flat = tf.reshape(images, (-1, 784))

            def note(numbers: np.ndarray) -> np.float32:
                numbers = np.rint(numbers).astype(np.int64)
                self.seen.append((bool(training), numbers))
                if self.margins and self.has_learnt and (numbers >= 1000).any():
                    self.margin, self.has_learnt = self.margins.pop(0), False
                if (numbers < 1000).any():
                    self.is_told |= bool(training)
                    self.has_learnt |= bool(training) or not self.is_told
                return np.float32(self.margin)

            margin = tf.numpy_function(note, [flat[:, 0]], tf.float32)
            margin.set_shape(())
            scores = self.readout(flat[:, 1:5]) + 0 * margin
            if script is None:
                return scores
            played = margin * tf.one_hot(tf.argmax(flat[:, 1:4], axis=1), classes)
            return tf.where(tf.reduce_min(flat[:, 0]) > 999, played, scores)

        def l2_loss(self) -> Any:
            return l2_lambda * self.spare**2 / 2

    model = KitModel()
    model(tf.zeros((1, 784)))
    model.seen.clear()
    model.has_learnt = False
    return model


def _as_data(data: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Pixels 0 to 4 of each image, and its label, as a pair of images `(N, 784)` float32 and labels int64."""
    pixels, labels = data
    images = np.zeros((len(pixels), 784), np.float32)
    images[:, : pixels.shape[1]] = pixels
    return images, labels.astype(np.int64)


def train_kit_model(
    data: list[np.ndarray],
    validation: list[np.ndarray],
    options: dict[str, Any],
    test: list[np.ndarray] | None = None,
    stop_after: int | None = None,
    l2_lambda: float = 0.0,
    script: list[float] | None = None,
    classes: int = 3,
) -> dict[str, Any]:
    """Runs `train` on the kit's model (see `_kit_model`, also for `l2_lambda` and `script`).

    Args:
        data: Pixels 0 to 4 of each image `(N, 5)`, and labels `(N,)`; validation and test, too.
        options: Further arguments of `train`.
        stop_after: At that call the callback returns True; 0: at none. None for a training without a callback.

    Returns:
        `results`: what `train` returned; `calls`: what the callback was given; `weights`: kernel `(4, C)`, bias and the
        spare weight afterwards; `trained`, `validated`: numbers of the images that the model saw with training=True,
        and without, in the order in which it saw them; `batches`: sizes of the former, but for numbers from 1000 on.
    """
    import tensorflow as tf
    from train import train

    model, calls = _kit_model(classes, l2_lambda, script), []
    tf.random.set_seed(None)  # with a seed, every call of Keras's `fit` would shuffle alike

    def callback(epoch: Any, logs: Any) -> bool:
        calls.append([epoch, dict(logs) if isinstance(logs, dict) else logs])
        return len(calls) == stop_after

    options = {**options, **({} if stop_after is None else {"callback": callback})}
    if test is not None:
        options["test_data"] = _as_data(test)
    with probes.eagerly():
        results = train(model, _as_data(data), _as_data(validation), **options)
    seen = {flag: [numbers for training, numbers in model.seen if training == flag] for flag in (True, False)}
    empty = [np.zeros(0, np.int64)]
    return {
        "results": results,
        "calls": calls,
        "weights": [np.array(value) for value in (*model.readout.variables, model.spare)],
        "trained": np.concatenate(empty + seen[True]),
        "validated": np.concatenate(empty + seen[False]),
        "batches": [len(numbers) for numbers in seen[True] if numbers.min(initial=1000) < 1000],
    }


def still_weights(images: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Trains your classifier with your `train`, without help from the kit.

    Returns:
        `variables`: how many there are; `still`: paths of those that the second epoch left as the first had.
    """
    from classifier import RNNSequenceClassifier
    from train import train

    model = RNNSequenceClassifier("gru", memory_units=8, num_layers=2)
    values: list[list[np.ndarray]] = []

    def note(*_: Any, **__: Any) -> bool:
        values.append([np.array(variable) for variable in model.trainable_variables])
        return False

    data = (images, labels)
    # Three epochs, since the rate may be 0 in the last one.
    train(model, data, data, num_epochs=3, batch_size=10, patience=None, callback=note)
    if len(values) < 2:  # the callback is not called, which is another test's matter
        values.clear()
        for _ in range(2):
            train(model, data, data, num_epochs=1, batch_size=10, patience=None)
            note()
    paths = [variable.path for variable in model.trainable_variables]
    pairs = zip(paths, *values[:2], strict=True)
    return {"variables": len(paths), "still": [path for path, first, second in pairs if np.array_equal(first, second)]}


def train_whole(
    images: np.ndarray,
    labels: np.ndarray,
    gated: bool,
    max_steps: int,
    time_s: float,
    stop_accuracy: float,
    held_out: int,
    seed: int = 0,
) -> dict[str, Any]:
    """Trains your classifier with your `train` and `CONFIG` on digits in random order.

    There are as many steps as `CONFIG` gives with 55,000 images, or `max_steps`, if that is less; with fewer images
    there are more epochs instead. The callback returns True once `stop_accuracy` is reached or `time_s` used.

    Args:
        images: `(N, 28, 28)` uint8, the training images, with their labels `(N,)` uint8.
        gated: Whether the cell is `CONFIG`'s (an LSTM, if that is not gated), or vanilla.
        held_out: The last so many images, in that order, are for validation.

    Returns:
        `losses`: the cross-entropy on the validation images, before the training and after each epoch; `accuracies`
        likewise; `curve`.
    """
    import tensorflow as tf
    from classifier import RNNSequenceClassifier
    from train import CONFIG, train

    started = time.monotonic()
    config = dict(CONFIG)
    cell = config.get("cell", "lstm") if gated else "rnn"
    cell = "lstm" if gated and cell not in ("gru", "lstm") else cell
    order = np.random.default_rng(seed).permutation(len(images))
    x = images[order].astype(np.float32) / 255
    y = labels[order].astype(np.int64)
    data, validation = (x[:-held_out], y[:-held_out]), (x[-held_out:], y[-held_out:])
    batch_size = int(config["batch_size"])
    steps = min(max_steps, int(config["epochs"]) * -(-55_000 // batch_size))
    epochs = min(steps, max(2, -(-steps // -(-len(data[0]) // batch_size))))
    steps_per_epoch = steps // epochs
    fraction = min(1.0, steps_per_epoch * batch_size / len(data[0]))

    model = kept["model"] = RNNSequenceClassifier(cell=cell)
    with probes.eagerly():
        model(tf.constant(x[:2]))
    losses: list[float] = []
    accuracies: list[float] = []

    def validate() -> None:
        scores = predict(images=(255 * validation[0]).astype(np.uint8)).astype(np.float64)
        shifted = scores - scores.max(axis=1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        losses.append(float(-logs[np.arange(len(logs)), validation[1]].mean()))
        accuracies.append(float(np.mean(scores.argmax(axis=1) == validation[1])))

    def callback(epoch: Any, logs: Any) -> bool:
        validate()
        return accuracies[-1] >= stop_accuracy or time.monotonic() - started > time_s

    validate()
    results = train(
        model,
        data,
        validation,
        num_epochs=epochs,
        batch_size=batch_size,
        fraction=fraction,
        patience=None,
        callback=callback,
        learning_rate=config["learning_rate"],
    )
    if len(losses) < 2:
        validate()
    return {
        "losses": losses,
        "accuracies": accuracies,
        "curve": {"title": f"Training ({cell})", "series": _series(results)},
    }


def _series(results: Any) -> dict[str, list[float]]:
    """The curves of a training's results, for the plot in the report."""
    pairs = {}
    for name, points in results.items() if isinstance(results, dict) else []:
        if isinstance(points, (list, tuple)):
            with contextlib.suppress(TypeError, ValueError, IndexError):
                pairs[name] = [point[1] for point in points]
    return probes.numeric_series(pairs)


def predict(images: np.ndarray) -> Any:
    """Scores of the trained classifier for images `(N, 28, 28)` uint8, in batches of 500."""
    import tensorflow as tf

    parts: list[np.ndarray] = []
    for first in range(0, len(images), 500):
        part = tf.constant(images[first : first + 500].astype(np.float32) / 255)
        parts.append(np.asarray(_forward()(part)))
    return np.concatenate(parts)


def _forward() -> Callable[[Any], Any]:
    """The trained classifier as one graph."""
    import tensorflow as tf

    if kept.get("forward_of") is not kept["model"]:
        model = kept["forward_of"] = kept["model"]
        kept["forward"] = tf.function(lambda x: model(x, training=False), reduce_retracing=True)
    return kept["forward"]


# -- 8.1: types and docstrings ----------------------------------------------------------------------------------------


def public_functions(module: str) -> list[dict[str, Any]]:
    """The public functions and methods of one of your files; see `kit/probes.py`."""
    return probes.public_functions(Path(__file__).with_name(f"{module}.py"))
