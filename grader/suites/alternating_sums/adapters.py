"""How the tests call your code. Each function here is one thing that a test can ask for.

Tests never see your objects: they pass arrays and plain numbers to these functions and get the same back. Nothing here
knows what the right answer is. You may read this file to see how your code is called, and call it yourself; changing
it has no effect, since grading puts its own copy in place. It holds all tasks of the assignment, hence its length.

Shapes: B batch, T time steps, D features of a cell's input, U units.
"""

from __future__ import annotations

import functools
import inspect
import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from kit import probes
from kit.probes import eagerly, numeric_series, variables_of

kept: dict[str, Any] = {}  # objects that stay here between the calls of one test, such as a cell


# -- 1: data ----------------------------------------------------------------------------------------------------------


def targets(labels: list[int], sequence_len: int, container: str = "list") -> Any:
    """What `alternating_targets(labels, sequence_len)` returns.

    Args:
        labels: Digits.
        sequence_len: T.
        container: What the digits come in: "list", "tuple", "iterator", or "uint8", an array as MNIST's labels are.
    """
    from data import alternating_targets

    kinds: dict[str, Callable[[list[int]], Any]] = {"list": list, "tuple": tuple, "iterator": iter}
    digits = np.array(labels, np.uint8) if container == "uint8" else kinds[container](labels)
    found = alternating_targets(digits, sequence_len)
    return np.asarray(found) if isinstance(found, list) else found


def dataset_batches(
    images: np.ndarray, labels: np.ndarray, sequence_len: int, batch_size: int, training: bool, passes: int = 1
) -> list[dict[str, Any]]:
    """Iterates `make_dataset(images, labels, sequence_len, batch_size, training)` from start to end, `passes` times.

    Args:
        images: `(N, 28, 28)` uint8.
        labels: `(N,)` uint8.

    Returns:
        For each pass the batches x and y in their order, and whether the pass `ended`.
    """
    from data import make_dataset

    dataset = make_dataset(images, labels, sequence_len, batch_size, training)
    found = []
    for _ in range(passes):
        one: dict[str, Any] = {"x": [], "y": [], "ended": True}
        for batch in dataset:
            x, y = batch
            one["x"].append(np.asarray(x))
            one["y"].append(np.asarray(y))
            if len(one["x"]) > len(images):
                one["ended"] = False
                break
        found.append(one)
    return found


# -- 2: the cell ------------------------------------------------------------------------------------------------------


def state_sizes(units: int) -> dict[str, Any]:
    """`state_size` and `output_size` of `LSTMCell(units)`, and whether its class is an AbstractRNNCell."""
    import cell
    import keras

    made = cell.LSTMCell(units)
    size = made.state_size
    return {
        "state_size": list(size) if isinstance(size, (list, tuple)) else size,
        "output_size": made.output_size,
        "abstract": isinstance(made, cell.AbstractRNNCell) and isinstance(made, keras.layers.Layer),
    }


def initial_states(units: int, batch_sizes: list[int]) -> list[Any]:
    """The initial states of one cell for each batch size, asked for as `keras.layers.RNN` does it: by that keyword."""
    from cell import LSTMCell

    cell = LSTMCell(units)
    answers = []
    for batch_size in batch_sizes:
        found = cell.get_initial_state
        found = found(batch_size=batch_size) if callable(found) else found
        answers.append(list(found) if isinstance(found, (list, tuple)) else found)
    return answers


def kit_steps(units: int, calls: list[np.ndarray]) -> dict[str, list[Any]]:
    """Runs `keras.layers.RNN` around your cell with a made-up step in place of its `call`.

    So the sizes and initial states are judged apart from your equations. From the states (a, b) the step computes
    a' = a / 2 + mean of x over features + 1 and b' = b + a', and gives out a'.

    Args:
        units: U.
        calls: Inputs `(B, T, D)`.

    Returns:
        `eager`, `graph`: the outputs for each call, the latter from one graph with open B.
    """
    import keras
    import tensorflow as tf
    from cell import LSTMCell

    class KitCell(LSTMCell):
        def build(self, input_shape: Any) -> None:
            self.built = True

        def call(self, inputs: Any, states: Any) -> Any:
            a, b = states
            a = a / 2 + tf.reduce_mean(inputs, axis=-1, keepdims=True) + 1
            return a, [a, b + a]

    layer = keras.layers.RNN(KitCell(units), return_sequences=True)
    eager = [layer(tf.constant(x)) for x in calls]
    function = tf.function(layer, input_signature=[tf.TensorSpec((None, *calls[0].shape[1:]), tf.float32)])
    return {"eager": eager, "graph": [function(tf.constant(x)) for x in calls]}


def make_cell(units: int, input_size: int, shake: float = 0.0) -> None:
    """Makes an `LSTMCell(units)` and calls it once, so that it is built; the other `cell_...` functions then use it.

    Args:
        units: U.
        input_size: D.
        shake: Standard deviation of noise that is added to every weight: tells two weights of equal start apart.
    """
    from cell import LSTMCell

    cell = kept["cell"] = LSTMCell(units)
    cell_step(np.zeros((2, input_size), np.float32), [np.zeros((2, units), np.float32)] * 2)
    rng = np.random.default_rng(units)
    for variable in variables_of(cell) if shake else []:
        variable.assign_add((shake * rng.standard_normal(variable.shape)).astype(np.float32))


def fill_cell(kernel: float) -> int:
    """Sets every matrix of the cell to one number and every bias to 0, whatever their names; returns how many matrices.

    Args:
        kernel: The number.
    """
    matrices = 0
    for variable in variables_of(kept["cell"]):
        is_matrix = sum(size > 1 for size in variable.shape) > 1
        matrices += is_matrix
        variable.assign(np.full(variable.shape, kernel if is_matrix else 0.0, np.float32))
    return matrices


def cell_step(x: np.ndarray, states: list[np.ndarray]) -> Any:
    """What the cell returns for x `(B, D)` and its two states, each `(B, U)`."""
    import tensorflow as tf

    with eagerly():
        return kept["cell"](tf.constant(x), [tf.constant(state) for state in states])


def rnn_steps(units: int, x: np.ndarray) -> dict[str, Any]:
    """What `keras.layers.RNN` makes of x `(B, T, D)` with your cell inside, from states of zeros that it is given.

    Returns:
        `rnn`: that, `(B, T, U)`; `graph`: the same in a graph; `last`: what your cell gives out at the last time step
        when it is called by hand, one time step after the other, `(B, U)`.
    """
    import keras
    import tensorflow as tf
    from cell import LSTMCell

    cell = LSTMCell(units)
    layer = keras.layers.RNN(cell, return_sequences=True)
    inputs, zeros = tf.constant(x), tf.zeros((len(x), units))
    states = [zeros, zeros]
    function = tf.function(lambda x: layer(x, initial_state=[zeros, zeros]))
    with eagerly():
        outputs = function(inputs)
        for t in range(x.shape[1]):
            output, states = cell(inputs[:, t], states)
    return {"rnn": outputs, "graph": function(inputs), "last": output}


# -- 3: the model -----------------------------------------------------------------------------------------------------


def _model(units: int | None = None) -> Any:
    """`SumModel()`, or `SumModel(units=units)`."""
    from model import SumModel

    return SumModel() if units is None else SumModel(units=units)


def model_outputs(calls: list[np.ndarray]) -> list[Any]:
    """What one `SumModel()` returns for each batch of sequences `(B, T, 28, 28, 1)`, one after the other."""
    import tensorflow as tf

    model = _model()
    with eagerly():
        return [model(tf.constant(x)) for x in calls]


def shaken_outputs(x: np.ndarray, scales: list[float]) -> list[Any]:
    """What a `SumModel()` returns for x after noise of each scale was added to its weights, one time after the other.

    Args:
        x: `(B, T, 28, 28, 1)`.
        scales: Standard deviations.
    """
    import tensorflow as tf

    model = _model()
    rng = np.random.default_rng(len(scales))
    with eagerly():
        model(tf.constant(x))
        start = [np.array(variable) for variable in model.trainable_variables]
        outputs = []
        for scale in scales:
            for variable, value in zip(model.trainable_variables, start, strict=True):
                variable.assign(value + scale * rng.standard_normal(value.shape).astype(np.float32))
            outputs.append(model(tf.constant(x)))
    return outputs


def own_cell(units: int, x: np.ndarray) -> dict[str, Any]:
    """Watches whether `SumModel(units=units)` runs the class `LSTMCell` of your cell.py, for x `(B, T, 28, 28, 1)`.

    Returns:
        `calls`: how often its `call` ran; `widths`: sizes of the states that it was given; `plain`: the predictions;
        `disturbed`: the predictions when all that its `call` returns is increased, by more from unit to unit.
    """
    import cell
    import keras
    import tensorflow as tf

    seen: dict[str, Any] = {"calls": 0, "widths": set()}
    disturbing = False
    original = cell.LSTMCell.call

    @functools.wraps(original)  # Keras asks a method for its signature
    def watched(self: Any, inputs: Any, states: Any, *arguments: Any, **options: Any) -> Any:
        seen["calls"] += 1
        seen["widths"] |= {int(state.shape[-1]) for state in keras.tree.flatten(states)}
        answer = original.__get__(self)(inputs, states, *arguments, **options)
        if not disturbing:
            return answer
        # Uneven: a LayerNormalization behind it takes away what is the same for all units.
        return keras.tree.map_structure(lambda value: value + tf.linspace(0.2, 0.8, value.shape[-1]), answer)

    cell.LSTMCell.call = watched
    try:
        model = _model(units)
        with eagerly():
            plain = model(tf.constant(x))
            disturbing = True
            return {
                "plain": plain,
                "disturbed": model(tf.constant(x)),
                "calls": seen["calls"],
                "widths": sorted(seen["widths"]),
            }
    finally:
        cell.LSTMCell.call = original


def model_gradients(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Gradients of the squared error, computed as a training step does it: in a graph, after one eager call.

    Args:
        x: `(B, T, 28, 28, 1)`.
        y: `(B, T, 1)`.

    Returns:
        `variables`: how many there are to train; `missing`, `zero`: paths of those whose gradient is None or all zero.
    """
    import tensorflow as tf

    model = _model()
    with eagerly():
        model(tf.constant(x))

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((tf.reshape(model(x), y.shape) - y) ** 2)
        return tape.gradient(loss, model.trainable_variables)

    gradients = step(tf.constant(x), tf.constant(y))
    paths = [variable.path for variable in model.trainable_variables]
    reached = {path: tf.convert_to_tensor(g) for path, g in zip(paths, gradients, strict=True) if g is not None}
    return {
        "variables": len(paths),
        "missing": [path for path in paths if path not in reached],
        "zero": [path for path, gradient in reached.items() if not np.any(gradient)],
    }


def model_in_graph(calls: list[np.ndarray]) -> dict[str, Any]:
    """Traces one `SumModel()` with an open batch size, and runs that graph for each batch `(B, T, 28, 28, 1)`.

    Returns:
        `eager`, `graph`: the predictions for each batch; `traces`: how often the model was traced.
    """
    import tensorflow as tf

    model = _model()
    traces = 0
    with eagerly():
        eager = [model(tf.constant(x)) for x in calls]

    @tf.function(input_signature=[tf.TensorSpec((None, *calls[0].shape[1:]), tf.float32)])
    def function(x: Any) -> Any:
        nonlocal traces
        traces += 1
        return model(x)

    return {"eager": eager, "graph": [function(tf.constant(x)) for x in calls], "traces": traces}


def builtins_in_use(part: str) -> list[str]:
    """Which ready-made recurrent layers, cells, operations or frameworks run in a part of the submission.

    Wrappers around a cell of your own, such as `keras.layers.RNN`, are allowed.

    Args:
        part: "cell" or "model".
    """
    import tensorflow as tf

    def make() -> Callable[[], Any]:
        import cell
        import model

        if part == "model":
            whole = model.SumModel()
            return lambda: whole(tf.zeros((2, 3, 28, 28, 1)))
        one = cell.LSTMCell(4)
        return lambda: one(tf.zeros((2, 3)), [tf.zeros((2, 4)), tf.zeros((2, 4))])

    return probes.builtins_in_use(make, ("cell", "model"), allowed=("RNN", "StackedRNNCells", "Bidirectional"))


# -- 4: training ------------------------------------------------------------------------------------------------------


def _formed(y: np.ndarray) -> np.ndarray:
    """Totals `(N, T, 1)` in the shape and dtype that your own pipeline gives them: `train` may count on that."""
    try:
        from data import make_dataset

        dummy = np.zeros((4, 28, 28), np.uint8), np.zeros(4, np.uint8)
        spec = make_dataset(*dummy, 2, 1, False).element_spec[1]
        dtype, rank = spec.dtype.as_numpy_dtype, spec.shape.rank
    except Exception:  # any fault of make_dataset is task 1.2's; training is judged apart from it
        dtype, rank = np.float32, 3
    return y.astype(dtype)[..., 0] if rank == 2 else y.astype(dtype)


def _kit_dataset(
    values: np.ndarray, totals: np.ndarray, batch_size: int, first_pixel: float, drawn: list[int] | None = None
) -> Any:
    """Images of one grey each but for their first pixel, with their totals.

    Batches that are drawn from it are counted in `drawn`.
    """
    import tensorflow as tf

    x = np.broadcast_to(values[:, :, None, None, None], (*values.shape, 28, 28, 1)).astype(np.float32)
    x[:, :, 0, 0] = first_pixel
    dataset = tf.data.Dataset.from_tensor_slices((x, _formed(totals[:, :, None]))).batch(batch_size)
    if drawn is None:
        return dataset

    def counted(x: Any, y: Any) -> Any:
        drawn.append(1)
        return x, y

    spec = dataset.element_spec

    def count(x: Any, y: Any) -> Any:
        x, y = tf.numpy_function(counted, [x, y], [x.dtype, y.dtype])
        return tf.ensure_shape(x, spec[0].shape), tf.ensure_shape(y, spec[1].shape)

    return dataset.map(count)


def _kit_model(start: list[float]) -> Any:
    """A made-up model that has nothing to do with an LSTM, so that `train` is judged apart from your model.

    At every time step it predicts w * (grey in the middle of the image) + b, and with `training=True` 100 times the
    first pixel on top.
    """
    import keras
    import tensorflow as tf

    class GreyModel(keras.Model):
        def __init__(self, units: int = 1) -> None:
            super().__init__()
            self.units = units
            self.readout = keras.layers.Dense(1)

        def call(self, images: Any, training: bool = False) -> Any:
            totals = self.readout(tf.reduce_mean(images[:, :, 12:16, 12:16], axis=(2, 3)))
            return totals + 100 * images[:, :, 0, 0] if training else totals

        def get_config(self) -> dict[str, Any]:
            return {"units": self.units}

    model = GreyModel()
    model(tf.zeros((1, 1, 28, 28, 1)))
    model.readout.kernel.assign([[start[0]]])
    model.readout.bias.assign([start[1]])
    return model


def train_kit_model(
    data: list[np.ndarray],
    validation: list[np.ndarray],
    batch_size: int,
    start: list[float],
    epochs: int,
    learning_rate: float,
    run_dir: str | None = None,
    stop_after: int | None = None,
    crash: bool = False,
) -> dict[str, Any]:
    """Runs `train` on the kit's model (see `_kit_model`).

    Args:
        data: Greys and totals, each `(N, T)`; N is a multiple of batch_size. `validation` likewise.
        batch_size: B.
        start: `[w, b]` before the training.
        epochs: As `train` takes it; learning_rate and run_dir, too (None: left out).
        stop_after: At that call the callback returns True; None for a callback that never does.
        crash: It raises an error instead.

    Returns:
        `history`: what `train` returned; `calls`: what the callback was given; `weights`: `[w, b]` afterwards; `drawn`:
        how many batches `train` drew from its training data.
    """
    from train import train

    class Crash(Exception):
        """Stands for Ctrl-C, a full disk or a power cut."""

    model, calls, drawn = _kit_model(start), [], []

    def callback(epoch: Any, logs: Any) -> bool:
        calls.append([epoch, dict(logs) if isinstance(logs, dict) else logs])
        if crash and len(calls) == stop_after:
            raise Crash
        return len(calls) == stop_after

    options = {} if run_dir is None else {"run_dir": run_dir}
    datasets = _kit_dataset(*data, batch_size, 0.0, drawn), _kit_dataset(*validation, batch_size, 1.0)
    history = None
    with suppress(Crash):
        history = train(model, *datasets, epochs=epochs, learning_rate=learning_rate, callback=callback, **options)
    weights = [float(np.asarray(value).reshape(())) for value in (model.readout.kernel, model.readout.bias)]
    return {"history": history, "calls": calls, "weights": weights, "drawn": len(drawn)}


def run_folder(run_dir: str) -> dict[str, Any]:
    """What a run has left in its folder.

    Returns:
        `config`: of config.json, `epochs` and `learning_rate`, as far as they are in it; None where there is no such
        file or no JSON object in it; `events`: the bytes of each event file of TensorBoard; `checkpoints`: how many
        other files there are.
    """
    folder = Path(run_dir)
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    events = [path for path in files if "tfevents" in path.name]
    texts = [path for path in files if path.suffix in (".json", ".txt", ".csv", ".png")]
    config = _read_config(folder)
    return {
        "config": None if config is None else {name: config.get(name) for name in ("epochs", "learning_rate")},
        "events": [np.frombuffer(path.read_bytes(), np.uint8) for path in events],
        "checkpoints": len(files) - len(events) - len(texts),
    }


def _read_config(folder: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def train_in_folder(units: int, x: np.ndarray, y: np.ndarray, run_dir: str) -> list[Any]:
    """Trains `SumModel(units=units)` for one epoch with a `run_dir`; returns the shapes of its weights.

    Args:
        units: U.
        x: `(N, T, 28, 28, 1)`.
        y: `(N, T, 1)`.
        run_dir: As `train` takes it.
    """
    import tensorflow as tf
    from train import train

    model = _model(units)
    with eagerly():
        model(tf.constant(x))
    dataset = tf.data.Dataset.from_tensor_slices((x, _formed(y))).batch(len(x))
    train(model, dataset, dataset, epochs=1, learning_rate=1e-3, run_dir=run_dir)
    return [list(weight.shape) for weight in model.get_weights()]


def rebuilt_model(run_dir: str, x: np.ndarray) -> list[Any] | None:
    """Makes a `SumModel` from config.json: entries that its `__init__` knows become its arguments.

    Returns:
        The shapes of its weights after a call with x; None without such a file.
    """
    import tensorflow as tf
    from model import SumModel

    config = _read_config(Path(run_dir))
    if config is None:
        return None
    entries = {**config, **config["model"]} if isinstance(config.get("model"), dict) else config
    known = inspect.signature(SumModel).parameters
    model = SumModel(**{name: value for name, value in entries.items() if name in known})
    with eagerly():
        model(tf.constant(x))
    return [list(weight.shape) for weight in model.get_weights()]


def still_weights(x: np.ndarray, y: np.ndarray, batch_size: int, learning_rate: float) -> dict[str, Any]:
    """Trains your `SumModel` with your `train`, without the eager first call that would cure frozen weights.

    Returns:
        `variables`: how many there are; `still`: paths of those that the second epoch left as the first had. Each
        bare `tf.Variable`, which Keras does not list, is among them.
    """
    import tensorflow as tf
    from train import train

    model = _model()
    dataset = tf.data.Dataset.from_tensor_slices((x, _formed(y))).batch(batch_size)
    values: list[dict[int, tuple[str, Any]]] = []

    def note(*_: Any, **__: Any) -> bool:
        values.append(probes.weights_now(model, ("cell", "model")))
        return False

    train(model, dataset, dataset, epochs=3, learning_rate=learning_rate, callback=note)
    while len(values) < 2:  # the callback is not called, which is another task's matter
        note()
        train(model, dataset, dataset, epochs=1, learning_rate=learning_rate)
        note()
    first, second = values[:2]
    return {"variables": len(second), "still": probes.unchanged(first, second)}


def train_whole(
    images: np.ndarray,
    labels: np.ndarray,
    sequence_len: int,
    max_steps: int,
    time_s: float,
    stop_exact: float,
    held_out: int,
    seed: int = 0,
) -> dict[str, Any]:
    """Trains your `SumModel` with your `make_dataset`, `train` and `CONFIG` on digits in random order.

    Epochs are as many as `CONFIG` says, or fewer where that would go past `max_steps` (there are at least two, cut
    short if need be). From the second epoch on the callback returns True once `stop_exact` is reached, or another epoch
    would not fit into `time_s`.

    Args:
        images: `(N, 28, 28)` uint8, the training images, with their labels `(N,)` uint8.
        sequence_len: T.
        held_out: The last so many of them, in that order, are for validation.
        stop_exact: Share of exact totals on those.

    Returns:
        `history`, `errors`: mean squared error on the validation data, before the training and after each epoch;
        `exact`: the share of exact totals likewise; `curve`.
    """
    import tensorflow as tf
    from train import CONFIG, train

    from data import make_dataset

    started = time.monotonic()
    config = dict(CONFIG)
    batch_size, epochs = int(config["batch_size"]), max(2, int(config["epochs"]))
    order = np.random.default_rng(seed).permutation(len(images))
    images, labels = images[order], labels[order]
    steps = (len(images) - held_out) // (sequence_len * batch_size)
    epochs = min(epochs, max(2, max_steps // max(1, steps)))
    train_dataset = make_dataset(images[:-held_out], labels[:-held_out], sequence_len, batch_size, True)
    if steps * epochs > max_steps:
        train_dataset = train_dataset.take(max_steps // epochs)
    validation_dataset = make_dataset(images[-held_out:], labels[-held_out:], sequence_len, batch_size, False)

    model = kept["model"] = _model(config.get("units"))
    with eagerly():
        model(next(iter(validation_dataset))[0])
    forward = tf.function(model, reduce_retracing=True)
    errors: list[float] = []
    exact: list[float] = []

    def validate() -> None:
        off = np.concatenate(
            [
                (np.asarray(forward(x)).reshape(-1) - np.asarray(y, np.float64).reshape(-1))
                for x, y in validation_dataset
            ]
        )
        errors.append(float(np.mean(off**2)))
        exact.append(float(np.mean(np.abs(off) < 0.5)))

    def callback(epoch: Any, logs: Any) -> bool:
        validate()
        done = len(exact) - 1  # epochs; the first entry is from before
        would_take = (time.monotonic() - started) * (done + 1) / done
        return done >= 2 and (exact[-1] >= stop_exact or would_take > time_s)

    validate()
    options = {"learning_rate": config["learning_rate"], "callback": callback}
    history = train(model, train_dataset, validation_dataset, epochs=epochs, **options)
    if len(errors) < 2:
        validate()
    curve = {"title": "Training", "series": numeric_series(history)}
    return {"history": history, "errors": errors, "exact": exact, "curve": curve}


def predict(images: np.ndarray, sequence_len: int) -> Any:
    """What the trained model predicts for images `(N, 28, 28)` uint8 in sequences; N is a multiple of sequence_len.

    They pass through your `make_dataset` with `training=False`, which scales them as the model knows it; as labels it
    gets zeros.

    Returns:
        One row a sequence.
    """
    from data import make_dataset

    dataset = make_dataset(images, np.zeros(len(images), np.uint8), sequence_len, 100, False)
    return np.concatenate([np.asarray(kept["model"](x)) for x, _ in dataset])


# -- 5.1: types and docstrings ----------------------------------------------------------------------------------------


def public_functions(module: str) -> list[dict[str, Any]]:
    """The public functions and methods of one of your files; see `kit/probes.py`."""
    return probes.public_functions(Path(__file__).with_name(f"{module}.py"))
