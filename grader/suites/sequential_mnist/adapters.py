"""How the tests call your code. Each function here is one thing that a test can ask for.

Tests never see your objects: they pass arrays and plain numbers to these functions and get the same back. Nothing here
knows what the right answer is. You may read this file to see how your code is called, and call it yourself; changing
it has no effect, since grading puts its own copy in place. It holds all tasks of the assignment, hence its length.

Shapes: B batch, T time steps, D features, U units; 10 classes.
"""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from kit import probes
from kit.probes import eagerly, numeric_series, variables_of

kept: dict[str, Any] = {}  # objects that stay here between the calls of one test
STRIDE = 2  # of graded trainings on pixels: 196 steps
PIECES = 6  # a training's callback is called this often at least


def _returned(value: Any, name: str) -> Any:
    """What one of your functions returned; a forgotten `return` is called by its name.

    Raises:
        TypeError: It is None.
    """
    if value is None:
        raise TypeError(f"`{name}` returned None; is a `return` missing?")
    return value


def _shake(number: int | None) -> None:
    """Moves every global random generator on: what is fixed by a seed of its own doesn't care."""
    if number is not None:
        import tensorflow as tf

        random.seed(number)
        np.random.seed(number)
        tf.random.uniform((number,))


# -- 1: orders --------------------------------------------------------------------------------------------------------


def sequences(order: str, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Calls one of your orders several times.

    Args:
        order: "row_by_row", "pixel_by_pixel" or "permuted".
        calls: Each with `images` `(B, 28, 28)` float32, perhaps with `stride` and `seed`, which are passed on, and with
            `shake`: global random generators are in another state for each number.

    Returns:
        For each call `sequences`, what came, and `images`, the images afterwards.
    """
    import orders

    found = []
    for call in calls:
        options = {name: call[name] for name in ("seed", "stride") if name in call}
        images = np.array(call["images"])
        _shake(call.get("shake"))
        answer = _returned(getattr(orders, order)(images, **options), order)
        found.append({"sequences": np.asarray(answer), "images": images})
    return found


# -- 2: the plain model -----------------------------------------------------------------------------------------------


def _set_readout(variables: list[Any], units: int, kernel: np.ndarray, bias: np.ndarray) -> list[int]:
    """Sets the weights of a readout, told by their shapes; returns how many of each shape there are."""
    kernels = [variable for variable in variables if tuple(variable.shape) == (units, 10)]
    biases = [variable for variable in variables if tuple(variable.shape) == (10,)]
    for variable, value in [(kernel_, kernel) for kernel_ in kernels] + [(bias_, bias) for bias_ in biases]:
        variable.assign(value)
    return [len(kernels), len(biases)]


def _plain(cell: str, units: int, x: np.ndarray) -> Any:
    """A `PlainClassifier` that has been called once, so that its weights exist."""
    import tensorflow as tf
    from plain import PlainClassifier

    model = PlainClassifier(cell, units)
    with eagerly():
        model(tf.constant(x))
    return model


def plain_outputs(cell: str, units: int, calls: list[np.ndarray]) -> list[Any]:
    """What one `PlainClassifier(cell, units)` returns for each x `(B, T, D)`."""
    import tensorflow as tf

    model = _plain(cell, units, calls[0])
    with eagerly():
        return [model(tf.constant(x)) for x in calls]


def plain_readouts(units: int, x: np.ndarray, readouts: list[dict[str, np.ndarray]]) -> dict[str, Any]:
    """What a `PlainClassifier("lstm", units)` returns for x with each of the readouts `{kernel (U, 10), bias (10,)}`.

    Returns:
        `found`: how many weights of shape `(U, 10)` and `(10,)` there are to train; `logits`.
    """
    import tensorflow as tf

    model = _plain("lstm", units, x)
    logits, found = [], [0, 0]
    for readout in readouts:
        found = _set_readout(list(model.trainable_variables), units, readout["kernel"], readout["bias"])
        with eagerly():
            logits.append(model(tf.constant(x)))
    return {"found": found, "logits": logits}


def plain_constant(units: int, bias: float, kernel: np.ndarray, calls: list[np.ndarray]) -> list[Any]:
    """Logits of a `PlainClassifier("lstm", units)` whose LSTM has matrices of zeros and one number in all its biases.

    So its gates do not depend on the input.

    Args:
        units: U.
        bias: That number.
        kernel: Of the readout, `(U, 10)`; its bias is 0.
        calls: Inputs `(B, T, D)`.
    """
    import tensorflow as tf

    model = _plain("lstm", units, calls[0])
    for variable in variables_of(model):
        matrix = sum(size > 1 for size in variable.shape) > 1
        variable.assign(np.full(variable.shape, 0.0 if matrix else bias, np.float32))
    _set_readout(list(model.trainable_variables), units, kernel, np.zeros(10, np.float32))
    with eagerly():
        return [model(tf.constant(x)) for x in calls]


def recurrent_sizes(which: str, cell: str, units: int, num_steps: int, num_features: int) -> dict[str, int]:
    """How many numbers to train a model has.

    Args:
        which: "plain" or "tuned".
        cell: As the model takes it; the rest, too.

    Returns:
        `matrices`: in all weights with two axes of more than one entry, the readout's `(U, 10)` left out; `all`.
    """
    x = np.zeros((2, num_steps, num_features), np.float32)
    model = _plain(cell, units, x) if which == "plain" else _tuned(cell, units, num_steps, num_features)
    shapes = [tuple(variable.shape) for variable in model.trainable_variables]
    matrices = [shape for shape in shapes if sum(size > 1 for size in shape) > 1 and shape != (units, 10)]
    return {
        "matrices": int(sum(np.prod(shape) for shape in matrices)),
        "all": int(sum(np.prod(shape) for shape in shapes)),
    }


def dense_layers_in_plain(units: int, x: np.ndarray) -> int:
    """How often a `keras.layers.Dense` runs when a `PlainClassifier("lstm", units)` is called."""
    import keras

    runs: list[int] = []
    original = keras.layers.Dense.call

    @functools.wraps(original)  # Keras asks a method for its signature
    def watched(*arguments: Any, **options: Any) -> Any:
        runs.append(1)
        return original(*arguments, **options)

    keras.layers.Dense.call = watched
    try:
        _plain("lstm", units, x)
    finally:
        keras.layers.Dense.call = original
    return len(runs)


def sgd_steps(kernel: np.ndarray, bias: np.ndarray, batches: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Runs `sgd_step` on a made-up model, mean of x over time @ kernel + bias, for one batch after the other.

    Args:
        kernel: `(D, 10)` at the start, with bias `(10,)`.
        batches: Each with `x` `(B, T, D)`, `y` `(B,)` and `learning_rate`.

    Returns:
        After each batch `losses`, what came, and `kernels` and `biases`, the weights.
    """
    import keras
    import tensorflow as tf
    from plain import sgd_step

    class Linear(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.readout = keras.layers.Dense(10, name="readout")

        def call(self, x: Any) -> Any:
            return self.readout(tf.reduce_mean(x, axis=1))

    model = Linear()
    model(tf.constant(batches[0]["x"]))
    model.readout.kernel.assign(kernel)
    model.readout.bias.assign(bias)
    found: dict[str, list[Any]] = {"losses": [], "kernels": [], "biases": []}
    for batch in batches:
        loss = sgd_step(model, tf.constant(batch["x"]), tf.constant(batch["y"]), batch["learning_rate"])
        found["losses"].append(loss)
        found["kernels"].append(np.array(model.readout.kernel))
        found["biases"].append(np.array(model.readout.bias))
    return found


# -- 3: the tuned model -----------------------------------------------------------------------------------------------


def _tuned(cell: str, units: int, num_steps: int, num_features: int, **rates: float) -> Any:
    """What `build_model` makes, called once, so that its weights exist whatever kind of model it is."""
    import tensorflow as tf
    from model import build_model

    model = _returned(build_model(cell, units, num_steps, num_features, **rates), "build_model")
    with eagerly():
        model(tf.zeros((2, num_steps, num_features)))
    return model


def model_outputs(cell: str, units: int, calls: list[np.ndarray]) -> list[Any]:
    """What one `build_model(cell, units, T, D)` returns for each x `(B, T, D)`, as for predictions."""
    import tensorflow as tf

    model = _tuned(cell, units, *calls[0].shape[1:])
    with eagerly():
        return [model(tf.constant(x), training=False) for x in calls]


def model_weights(cell: str, units: int, num_steps: int, num_features: int) -> list[dict[str, Any]]:
    """The fresh weights of `build_model(cell, units, num_steps, num_features)`: `path` and `value` of each to train."""
    model = _tuned(cell, units, num_steps, num_features)
    return [{"path": variable.path, "value": np.array(variable)} for variable in model.trainable_variables]


def model_readouts(
    cell: str, units: int, x: np.ndarray, readouts: list[dict[str, np.ndarray]], training: list[bool]
) -> dict[str, Any]:
    """What one `build_model(cell, units, T, D)` returns for x with each readout `{kernel (U, 10), bias (10,)}`.

    Args:
        cell: As `build_model` takes it; units, too.
        x: `(B, T, D)`.
        readouts: Are put into the weights that have "readout" in their path.
        training: Passed on to the model, one for each readout.

    Returns:
        `found`: how many such weights of shape `(U, 10)` and `(10,)` there are; `logits`.
    """
    import tensorflow as tf

    model = _tuned(cell, units, *x.shape[1:])
    named = [variable for variable in model.trainable_variables if "readout" in variable.path]
    logits, found = [], [0, 0]
    for readout, mode in zip(readouts, training, strict=True):
        found = _set_readout(named, units, readout["kernel"], readout["bias"])
        with eagerly():
            logits.append(model(tf.constant(x), training=mode))
    return {"found": found, "logits": logits}


def model_constant(cell: str, units: int, bias: float, kernel: np.ndarray, lengths: list[int]) -> list[Any]:
    """Logits of `build_model(cell, units, T, 2)` for each length T, as for predictions, of one sequence of ones.

    But for the readout, every matrix to train is zeros, and every other weight to train is one number. So the gates do
    not depend on the input, and the same number scales and shifts the normalization.

    Args:
        cell: As `build_model` takes it; units, too.
        bias: That number.
        kernel: Of the readout, `(U, 10)`.
        lengths: T of each model.
    """
    import tensorflow as tf

    logits = []
    for length in lengths:
        model = _tuned(cell, units, length, 2)
        for variable in model.trainable_variables:
            matrix = sum(size > 1 for size in variable.shape) > 1
            rest = np.full(variable.shape, 0.0 if matrix else bias, np.float32)
            variable.assign(kernel if tuple(variable.shape) == (units, 10) else rest)
        with eagerly():
            logits.append(model(tf.ones((1, length, 2)), training=False))
    return logits


def moving_averages(cell: str, units: int, x: np.ndarray, calls: int) -> list[list[Any]]:
    """Calls `build_model(cell, units, T, D)` with x in training mode, `calls` times.

    Returns:
        After each call the weights of the model that are not trained by gradients and have U entries.
    """
    import tensorflow as tf

    model = _tuned(cell, units, *x.shape[1:])
    averages = [variable for variable in model.non_trainable_variables if tuple(variable.shape) == (units,)]
    found = [[np.array(variable) for variable in averages]]
    for _ in range(calls):
        with eagerly():
            model(tf.constant(x), training=True)
        found.append([np.array(variable) for variable in averages])
    return found


def refuses_cell(cell: str) -> str:
    """The type of the error that `build_model(cell, 4, 5, 3)` raises, or "" if it raises none."""
    from model import build_model

    try:
        build_model(cell, 4, 5, 3)
    except Exception as error:
        return type(error).__name__
    return ""


def dropout_logits(
    cell: str, units: int, x: np.ndarray, rates: dict[str, float], weight: float, training: bool, calls: int
) -> list[Any]:
    """Logits of a model whose units do not see one another, so that each shows what dropout did to it.

    Every weight between units, `(U, U)` or several such side by side, becomes `weight` on the diagonal; the weights
    of the inputs become numbers from 0.2 to 0.9. The readout shows the first ten units after the normalization.

    Args:
        cell: As `build_model` takes it; units, too, 10 or more.
        x: `(B, T, D)`.
        rates: `dropout` and `recurrent_dropout`, as far as they are given.
        weight: See above.
        training: Passed on to the model.
        calls: How often it is called.
    """
    import tensorflow as tf

    model = _tuned(cell, units, *x.shape[1:], **rates)
    for variable in model.trainable_variables:
        shape = tuple(variable.shape)
        if shape == (units, 10):
            variable.assign(np.eye(units, 10, dtype=np.float32))
        elif len(shape) == 2 and shape[0] == units and shape[1] % units == 0:
            variable.assign(np.tile(weight * np.eye(units, dtype=np.float32), (1, shape[1] // units)))
        elif len(shape) == 2 and shape[0] == x.shape[2]:
            variable.assign(np.broadcast_to(np.linspace(0.2, 0.9, shape[1], dtype=np.float32), shape))
    with eagerly():
        return [model(tf.constant(x), training=training) for _ in range(calls)]


# -- 4.1: data --------------------------------------------------------------------------------------------------------


def datasets(
    images: np.ndarray,
    labels: np.ndarray,
    batch_size: int,
    validation_share: float | None = None,
    seed: int | None = None,
    shake: int | None = None,
    passes: int = 1,
    upside_down: bool = False,
) -> dict[str, list[Any]]:
    """Iterates both datasets of `make_datasets(images, labels, order, batch_size)`.

    Args:
        images: `(N, 28, 28)` uint8, with labels `(N,)` uint8.
        batch_size: B.
        validation_share: As `make_datasets` takes it; seed, too (None: left out).
        shake: See `sequences`.
        passes: How often each dataset is iterated.
        upside_down: Whether the order turns every image upside down; else it changes nothing.

    Returns:
        `training`, `validation`: for each pass a list of batches `[x, y]`.
    """
    from train import make_datasets

    options = {"validation_share": validation_share, "seed": seed}
    options = {name: value for name, value in options.items() if value is not None}
    _shake(shake)

    def order(images: Any) -> Any:
        return images[:, ::-1] if upside_down else images

    made = make_datasets(images, labels, order, batch_size, **options)
    training, validation = _returned(made, "make_datasets")

    def batches(dataset: Any) -> list[Any]:
        return [[np.asarray(x), np.asarray(y)] for _, (x, y) in zip(range(len(images) + 1), dataset, strict=False)]

    return {
        "training": [batches(training) for _ in range(passes)],
        "validation": [batches(validation) for _ in range(passes)],
    }


# -- 4.2: clipping ----------------------------------------------------------------------------------------------------


def clipped(gradients: list[np.ndarray], clip_norm: float, backwards: bool = False, nested: bool = False) -> list[Any]:
    """What `clip_gradients` makes of gradients for a made-up model: a GRU, batch normalization, a readout.

    Args:
        gradients: For the GRU with 3 features and 4 units `(3, 12)`, `(4, 12)`, `(2, 12)`; for the normalization `(4,)`
            and `(4,)`; for the readout `(4, 10)` and `(10,)`.
        clip_norm: As `clip_gradients` takes it.
        backwards: Passes gradients and variables in the opposite order; the answer is turned around again.
        nested: The readout is part of a block, so that its paths are `head/readout/kernel` and `head/readout/bias`.
    """
    import keras
    import tensorflow as tf
    from train import clip_gradients

    x = keras.Input((5, 3))
    h = keras.layers.BatchNormalization(name="scale")(keras.layers.GRU(4, name="memory")(x))
    readout = keras.layers.Dense(10, name="readout")
    head = keras.Sequential([keras.Input((4,)), readout], name="head") if nested else readout
    model = keras.Model(x, head(h))
    turn = -1 if backwards else 1
    tensors = [tf.constant(gradient) for gradient in gradients][::turn]
    answer = clip_gradients(tensors, list(model.trainable_variables)[::turn], clip_norm)
    return list(_returned(answer, "clip_gradients"))[::turn]


# -- 4.3, 4.4: the training loop --------------------------------------------------------------------------------------


def _kit_model(start: dict[str, np.ndarray]) -> Any:
    """A made-up model without a recurrent layer, so that `train` is judged apart from your model.

    Logits are norm(mean of x over time @ memory) @ readout; norm is batch normalization with momentum 0.9.

    Args:
        start: `memory` `(D, D)` and `readout` `(D, 10)`.
    """
    import keras
    import tensorflow as tf

    size = len(start["memory"])

    class KitModel(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.memory = keras.layers.Dense(size, use_bias=False, name="memory")
            self.norm = keras.layers.BatchNormalization(momentum=0.9, name="norm")
            self.readout = keras.layers.Dense(10, use_bias=False, name="readout")

        def call(self, x: Any, training: bool = False) -> Any:
            return self.readout(self.norm(self.memory(tf.reduce_mean(x, axis=1)), training=training))

    model = KitModel()
    model(tf.zeros((1, 1, size)))
    model.memory.kernel.assign(start["memory"])
    model.readout.kernel.assign(start["readout"])
    return model


def _state(model: Any) -> dict[str, Any]:
    """All weights of a kit model."""
    norm = model.norm
    names = {"gamma": norm.gamma, "beta": norm.beta, "mean": norm.moving_mean, "variance": norm.moving_variance}
    names |= {"memory": model.memory.kernel, "readout": model.readout.kernel}
    return {name: np.array(variable) for name, variable in names.items()}


def _scaled(gradients: Any, variables: Any, clip_norm: float) -> list[Any]:
    """Stands in for your `clip_gradients`, so that `train` is judged apart from it: multiplies by `clip_norm`."""
    return [clip_norm * gradient for gradient in gradients]


def train_kit_model(
    data: list[np.ndarray],
    validation: list[np.ndarray],
    batch_size: int,
    start: dict[str, np.ndarray],
    epochs: int,
    learning_rate: float,
    clip_norm: float = 1.0,
    run_dir: str | None = None,
    history: dict[str, Any] | None = None,
    stop_after: int | None = None,
    turn_after: int | None = None,
    turned: np.ndarray | None = None,
    attached_rate: float | None = None,
) -> dict[str, Any]:
    """Runs `train` on the kit's model, with a stand-in for `clip_gradients` that multiplies all by `clip_norm`.

    Args:
        data: x `(N, T, D)` and y `(N,)`; N is a multiple of batch_size.
        validation: Likewise, but of any N.
        batch_size: B.
        start: See `_kit_model`.
        epochs: As `train` takes it; learning_rate, clip_norm, run_dir and history, too (None: left out). The folder is
            made before, as `run.py` does it.
        stop_after: At that call the callback returns True; None for a callback that never does.
        turn_after: From that call of the callback on the training data has other labels: those of `turned`, `(N,)`.
        attached_rate: Learning rate of an optimizer that the model has as `model.optimizer`; None for no optimizer.

    Returns:
        `history`: what `train` returned; `calls`: what the callback was given; `states`: all weights at each call of
        the callback; `saved`: whether run_dir held `best.weights.h5` at each of them; `last`: all weights at the end;
        `attached_steps`: those that the attached optimizer made.
    """
    import keras
    import tensorflow as tf
    import train as module

    module.clip_gradients = _scaled
    model, turn = _kit_model(start), tf.Variable(0, dtype=tf.int32)
    attached = None if attached_rate is None else keras.optimizers.Adam(attached_rate)
    if attached is not None:
        model.optimizer = attached
    calls: list[Any] = []
    states: list[Any] = []
    saved: list[bool] = []
    best = Path(run_dir, "best.weights.h5") if run_dir else None
    if best:
        best.parent.mkdir(parents=True, exist_ok=True)

    def dataset(x: np.ndarray, *labels: np.ndarray) -> Any:
        arrays = (x, *(y.astype(np.int32) for y in labels))
        return tf.data.Dataset.from_tensor_slices(arrays).batch(batch_size)

    def callback(epoch: Any, logs: Any) -> bool:
        calls.append([epoch, dict(logs) if isinstance(logs, dict) else logs])
        states.append(_state(model))
        saved.append(bool(best and best.is_file()))
        if len(calls) == turn_after:
            turn.assign(1)
        return len(calls) == stop_after

    labels = [data[1], data[1] if turned is None else turned]
    training = dataset(data[0], *labels).map(lambda x, y, other: (x, tf.where(turn == 1, other, y)))
    options: dict[str, Any] = {"epochs": epochs, "learning_rate": learning_rate, "clip_norm": clip_norm}
    options |= {} if run_dir is None else {"run_dir": run_dir}
    options |= {} if history is None else {"history": history}
    found = module.train(model, training, dataset(*validation), callback=callback, **options)
    steps = 0 if attached is None else int(attached.iterations)
    seen = {"calls": calls, "states": states, "saved": saved}
    return {"history": found, **seen, "last": _state(model), "attached_steps": steps}


def save_best(run_dir: str, start: dict[str, np.ndarray]) -> None:
    """Writes `best.weights.h5` of a kit model with the weights `start`, as an earlier part of a training would."""
    Path(run_dir).mkdir(parents=True, exist_ok=True)
    _kit_model(start).save_weights(Path(run_dir) / "best.weights.h5")


def restored(run_dir: str, start: dict[str, np.ndarray]) -> dict[str, Any] | None:
    """All weights of a new kit model after `load_weights` of `best.weights.h5`; None where there is no such file."""
    path = Path(run_dir) / "best.weights.h5"
    if not path.is_file():
        return None
    model = _kit_model(start)
    model.load_weights(path)
    return _state(model)


def event_files(run_dir: str) -> list[np.ndarray]:
    """The bytes of every event file of TensorBoard below a folder."""
    paths = sorted(path for path in Path(run_dir).rglob("*tfevents*") if path.is_file())
    return [np.frombuffer(path.read_bytes(), np.uint8) for path in paths]


# -- 4.5, 4.6: all together -------------------------------------------------------------------------------------------


def still_weights(x: np.ndarray, y: np.ndarray, batch_size: int, learning_rate: float) -> dict[str, Any]:
    """Trains what `build_model` makes with your `train`, without the eager first call that would cure frozen weights.

    Returns:
        `variables`: how many there are to train; `still`: paths of those that the second epoch left as the first had.
        `predictions`: of the model for the first batch after each of these epochs, `(B, 10)`. A graph that was frozen
        in the first call serves that size alone.
    """
    import tensorflow as tf
    from model import build_model
    from train import train

    model = build_model("gru", 8, *x.shape[1:])
    dataset = tf.data.Dataset.from_tensor_slices((x, y.astype(np.int32))).batch(batch_size)
    values: list[list[np.ndarray]] = []
    predictions: list[np.ndarray] = []

    def note(*_: Any, **__: Any) -> bool:
        values.append([np.array(variable) for variable in model.trainable_variables])
        predictions.append(np.array(model(tf.constant(x[:batch_size]), training=False)))
        return False

    # Three, since the rate may be 0 in the last one.
    train(model, dataset, dataset, epochs=3, learning_rate=learning_rate, clip_norm=1.0, callback=note)
    while len(values) < 2:  # the callback is not called, which is another task's matter
        note()
        train(model, dataset, dataset, epochs=1, learning_rate=learning_rate, clip_norm=1.0)
        note()
    paths = [variable.path for variable in model.trainable_variables]
    pairs = zip(paths, *values[:2], strict=True)
    still = [path for path, first, second in pairs if np.array_equal(first, second)]
    return {"variables": len(paths), "still": still, "predictions": predictions[:2]}


def _order(which: str) -> Callable[[np.ndarray], Any]:
    """Your order for a training: 28 rows, or 196 pixels."""
    import orders

    named = {"pixels": orders.pixel_by_pixel, "permuted": orders.permuted}
    return orders.row_by_row if which == "rows" else functools.partial(named[which], stride=STRIDE)


def _first_images(dataset: Any, count: int) -> Any:
    """As many images of a dataset, or all, in large batches: a `train` may well pass them through the model eagerly."""
    import tensorflow as tf

    batches: list[tuple[np.ndarray, np.ndarray]] = []
    for x, y in dataset:
        batches.append((np.asarray(x), np.asarray(y)))
        if sum(len(labels) for _, labels in batches) >= count:
            break
    x, y = (np.concatenate(parts)[:count] for parts in zip(*batches, strict=True))
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(500)


def train_order(
    images: np.ndarray,
    labels: np.ndarray,
    which: str,
    max_steps: int,
    time_s: float,
    stop_accuracy: float,
    seed: int = 0,
) -> dict[str, Any]:
    """Trains what your `build_model` makes with your `make_datasets`, `train` and `CONFIG[which]`.

    There are as many steps as `CONFIG` asks for, at most `max_steps`, in at least `PIECES` epochs, cut short if need
    be, so that time can end the training between them, and the first 1,000 images of your validation dataset. The
    callback returns True once the validation accuracy that `train` tells it has reached `stop_accuracy`, or `time_s` is
    used up.

    Args:
        images: `(N, 28, 28)` uint8, the training images, with their labels `(N,)` uint8.
        which: "rows", "pixels" or "permuted".
    """
    import keras
    import tensorflow as tf
    from model import build_model
    from train import CONFIG, make_datasets, train

    started = time.monotonic()
    config = dict(CONFIG[which])
    keras.utils.set_random_seed(seed % 2**31)
    epochs, batch_size = max(2, int(config["epochs"])), int(config["batch_size"])
    training, validation = make_datasets(images, labels, _order(which), batch_size)
    steps = int(training.cardinality())
    known = steps > 0
    if not known:  # that of a generator is not, so its batches are counted
        steps = max(1, sum(1 for _ in training.take(max_steps)))
    total = min(max_steps, steps * epochs)
    short = min(steps, max(1, total // PIECES))
    training, epochs = training.take(short), total // short
    if not known:
        training = training.apply(tf.data.experimental.assert_cardinality(short))
    validation = _first_images(validation, 1000)
    rates = {name: float(config[name]) for name in ("dropout", "recurrent_dropout") if name in config}
    sizes = validation.element_spec[0].shape[1:]
    model = kept["model"] = build_model(config["cell"], int(config["units"]), *sizes, **rates)
    kept["which"] = which

    def callback(epoch: Any, logs: Any) -> bool:
        reached = float(logs["val_accuracy"])
        return reached >= stop_accuracy or time.monotonic() - started > time_s

    options = {"learning_rate": config["learning_rate"], "clip_norm": config["clip_norm"], "callback": callback}
    history = train(model, training, validation, epochs=epochs, **options)
    title = {"rows": "Rows", "pixels": "196 pixels", "permuted": "196 permuted pixels"}[which]
    return {"history": history, "curve": {"title": title, "series": numeric_series(history)}}


def predict(images: np.ndarray) -> Any:
    """The logits of the trained model for images `(N, 28, 28)` uint8, which pass through your order."""
    import tensorflow as tf

    x = np.asarray(_order(kept["which"])(images.astype(np.float32) / 255), np.float32)
    step = tf.function(lambda x: kept["model"](x, training=False), reduce_retracing=True)
    return np.concatenate([np.asarray(step(tf.constant(x[i : i + 500]))) for i in range(0, len(x), 500)])


# -- 5.1: unrolling ---------------------------------------------------------------------------------------------------


def _kit_cell(kernel: np.ndarray) -> Callable[[Any, Any], Any]:
    """h' = h / 2 + tanh(x @ kernel + h reversed)."""
    import tensorflow as tf

    matrix = tf.constant(kernel)
    return lambda x, h: h / 2 + tf.tanh(tf.matmul(x, matrix) + tf.reverse(h, axis=[1]))


def unrolled(way: str, kernel: np.ndarray, calls: list[dict[str, np.ndarray]], open_steps: bool) -> list[Any]:
    """What `unroll_static` or `unroll_dynamic` returns in a graph for each of the calls `{x, h}`.

    Args:
        way: "static" or "dynamic".
        kernel: Of the kit's cell, `(D, U)`.
        calls: x `(B, T, D)` and h `(B, U)`.
        open_steps: One graph serves all calls, made without knowing B and T.
    """
    import tensorflow as tf
    import unrolling

    cell, loop = _kit_cell(kernel), getattr(unrolling, f"unroll_{way}")
    signature = None
    if open_steps:
        shapes = (None, None, kernel.shape[0]), (None, kernel.shape[1])
        signature = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
    function = tf.function(lambda x, h: loop(cell, x, h), input_signature=signature)
    return [function(tf.constant(call["x"]), tf.constant(call["h"])) for call in calls]


def unrolled_graphs(way: str, lengths: list[int]) -> list[dict[str, int]]:
    """Traces an unrolling for each length T: how many operations the graph has, and how many loops are among them."""
    import tensorflow as tf
    import unrolling

    cell, loop = _kit_cell(np.ones((2, 3), np.float32)), getattr(unrolling, f"unroll_{way}")
    found = []
    for length in lengths:
        function = tf.function(lambda x, h: loop(cell, x, h))
        graph = function.get_concrete_function(tf.zeros((2, length, 2)), tf.zeros((2, 3))).graph
        types = probes.operations(graph)
        loops = sum(operation in ("While", "StatelessWhile") for operation in types)
        found.append({"operations": len(types), "loops": loops})
    return found


# -- 6.1: types and docstrings ----------------------------------------------------------------------------------------


def public_functions(module: str) -> list[dict[str, Any]]:
    """The public functions and methods of one of your files; see `kit/probes.py`."""
    return probes.public_functions(Path(__file__).with_name(f"{module}.py"))
