"""How the tests call your code. Each function here is one thing that a test can ask for.

Tests never see your objects: they pass arrays and plain numbers to these functions and get the same back. Nothing here
knows what the right answer is. You may read this file to see how your code is called, and call it yourself; changing
it has no effect, since grading puts its own copy in place. It holds all tasks of the assignment, hence its length.

Shapes: B batch, T time steps, D features of the input, U units.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from kit import probes
from kit.probes import eagerly, numeric_series, variables_of

kept: dict[str, Any] = {}  # objects that stay here between the calls of one test, such as a cell


def invoke(layer: Any, what: str, *arguments: Any) -> Any:
    """Calls a layer or model as the handout fixes it."""
    try:
        inspect.signature(layer.call).bind(*arguments)
    except TypeError as error:
        names = {1: "(x)", 2: "(x, states)"}[len(arguments)]
        raise TypeError(f"`{what}.call` can't be called with {names}: {error}") from None
    return layer(*arguments) if callable(layer) else layer.call(*arguments)


# -- 1: data ----------------------------------------------------------------------------------------------------------


def _stacked(samples: list[Any]) -> dict[str, Any]:
    """Samples as two arrays, or None instead of them where the samples are no pairs of one shape."""
    noise = labels = None
    try:
        noise = np.stack([np.asarray(sample[0]) for sample in samples])
        labels = np.stack([np.asarray(sample[1]) for sample in samples])
    except (TypeError, ValueError, IndexError, KeyError):
        pass
    return {"count": len(samples), "first": samples[0] if samples else None, "noise": noise, "labels": labels}


def noise_samples(seq_len: int, num_samples: int, at_most: int = 100_000) -> dict[str, Any]:
    """What `integration_task(seq_len, num_samples)` yields, up to `at_most` samples."""
    from data import integration_task

    return _stacked(list(itertools.islice(integration_task(seq_len, num_samples), at_most)))


def wrapper_samples(num_samples: int) -> list[dict[str, Any]]:
    """The first samples of `my_integration_task()`, called twice."""
    from data import my_integration_task

    calls = []
    for _ in range(2):
        calls.append(_stacked(list(itertools.islice(my_integration_task(), num_samples))))
    return calls


def wrapper_count(at_most: int) -> dict[str, int]:
    """How many samples `my_integration_task()` yields, counted up to `at_most`; of a second call up to 1."""
    from data import my_integration_task

    first = sum(1 for _ in itertools.islice(my_integration_task(), at_most))
    return {"first": first, "second": sum(1 for _ in itertools.islice(my_integration_task(), 1))}


class MarkedSamples:
    """A generator function whose samples can be told apart: noise full of 0, 1, 2, ..., its parity as the label.

    Numbers go on from call to call, so that a second epoch is seen to draw anew.
    """

    def __init__(self, num_samples: int, seq_len: int) -> None:
        self.num_samples = num_samples
        self.seq_len = seq_len
        self.drawn = 0
        self.pause_s = 0.0
        self.exhausted = False

    def __call__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for _ in range(self.num_samples):
            number = self.drawn
            self.drawn += 1
            time.sleep(self.pause_s)
            yield np.full((self.seq_len, 1), number, np.float32), np.array([number % 2], np.int32)
        self.exhausted = True


def dataset_passes(num_samples: int, seq_len: int, batch_size: int, passes: int) -> list[dict[str, Any]]:
    """Iterates `make_dataset` over marked samples, from start to end, `passes` times.

    Returns:
        For each pass the batches' shapes and dtypes, and all samples in the order in which they came.
    """
    from data import make_dataset

    dataset = make_dataset(MarkedSamples(num_samples, seq_len), seq_len, batch_size)
    found = []
    for _ in range(passes):
        noise, labels, ended = [], [], True
        for batch in dataset:
            x, y = batch
            noise.append(np.asarray(x))
            labels.append(np.asarray(y))
            if len(noise) > 2 * num_samples:
                ended = False
                break
        found.append(
            {
                "ended": ended,
                "shapes": sorted({(x.shape, y.shape) for x, y in zip(noise, labels, strict=True)}, reverse=True),
                "dtypes": sorted({(x.dtype.name, y.dtype.name) for x, y in zip(noise, labels, strict=True)}),
                "numbers": np.concatenate([x.reshape(len(x), -1)[:, :1] for x in noise]) if noise else None,
                "spread": float(max((np.ptp(x.reshape(len(x), -1), axis=1).max() for x in noise), default=0)),
                "labels": np.concatenate([y.reshape(len(y), -1)[:, :1] for y in labels]) if labels else None,
            }
        )
    return found


def dataset_ahead(seq_len: int, batch_size: int, available: int) -> dict[str, Any]:
    """Watches when `make_dataset` draws from its generator: while a batch is asked for, or while one is in use.

    Returns:
        `drawn`: samples drawn for the first batch; `exhausted`: whether that took all `available` ones; `ahead`:
        whether samples were ever drawn while the consumer was busy with a batch.
    """
    import tensorflow as tf

    from data import make_dataset

    options = tf.data.Options()
    options.experimental_optimization.inject_prefetch = False  # TensorFlow would add what your pipeline may lack
    source = MarkedSamples(available, seq_len)
    batches = iter(make_dataset(source, seq_len, batch_size).with_options(options))
    next(batches, None)
    drawn, exhausted, ahead, waits = source.drawn, source.exhausted, False, 0
    time.sleep(0.05)
    source.pause_s = 0.0002  # from now on drawing takes a while, so that work ahead shows
    while not ahead and not exhausted and waits < 6:  # a pipeline that draws many at once draws seldom
        before = source.drawn
        if next(batches, None) is None:
            break
        after = source.drawn
        time.sleep(0.02)
        ahead = source.drawn > after
        waits += after > before
    return {"drawn": drawn, "exhausted": exhausted, "ahead": ahead}


def dataset_speed(seq_len: int, batch_size: int, num_samples: int, rounds: int) -> dict[str, list[float]]:
    """Times the bare generator and the pipeline around it, for `num_samples` samples.

    Returns:
        `generator` and `pipeline`: seconds of wall time and of processor time, each the best of `rounds`.
    """
    from data import make_dataset

    def generator() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for _ in range(num_samples):
            yield np.random.normal(size=(seq_len, 1)).astype(np.float32), np.ones(1, np.int32)

    def seconds(run: Callable[[], Any]) -> tuple[float, float]:
        wall, processor, seen = time.perf_counter(), time.process_time(), 0
        for noise, _ in run():
            seen += len(noise) if noise.ndim == 3 else 1
            if seen >= num_samples:  # a dataset may have no end
                break
        return time.perf_counter() - wall, time.process_time() - processor

    dataset = make_dataset(generator, seq_len, batch_size)
    times = [(seconds(generator), seconds(lambda: dataset)) for _ in range(rounds)]
    bare, piped = (np.min(column, axis=0).tolist() for column in zip(*times, strict=True))
    return {"generator": bare, "pipeline": piped}


# -- 2.1: the cell ----------------------------------------------------------------------------------------------------


def make_cell(units: int, input_size: int, shake: float = 0.0) -> dict[str, Any]:
    """Makes an `LSTMCell(units)` and calls it once, so that it is built; the other `cell_...` functions then use it.

    Args:
        units: U.
        input_size: D.
        shake: Standard deviation of noise that is added to every weight: tells two weights of equal start apart.
    """
    from lstm import LSTMCell

    cell = kept["cell"] = LSTMCell(units)
    kept["input_size"] = input_size
    zeros = np.zeros((2, units), np.float32)
    cell_step(np.zeros((2, input_size), np.float32), zeros, zeros)
    rng = np.random.default_rng(units)
    for variable in variables_of(cell) if shake else []:
        variable.assign_add((shake * rng.standard_normal(variable.shape)).astype(np.float32))
    return {"units": cell.units}


def fill_cell(kernel: float) -> dict[str, int]:
    """Sets every matrix of the cell to one number and every bias to 0, whatever their names and shapes.

    Returns:
        How many of each there are.
    """
    biases, matrices = [], []
    for variable in variables_of(kept["cell"]):
        is_flat = sum(size > 1 for size in variable.shape) <= 1
        (biases if is_flat or _acts_without_input(variable) else matrices).append(variable)
    for variables, value in ((biases, 0.0), (matrices, kernel)):
        for variable in variables:
            variable.assign(np.full(variable.shape, value, np.float32))
    return {"matrices": len(matrices), "biases": len(biases)}


def _acts_without_input(variable: Any) -> bool:
    """Whether a variable of the cell matters where x and h are 0, as biases do and matrices do not."""
    before = np.array(variable)
    units = kept["cell"].units
    zeros, ones = np.zeros((1, units), np.float32), np.ones((1, units), np.float32)
    x = np.zeros((1, kept["input_size"]), np.float32)
    answers = []
    for value in (before, before + 1):
        variable.assign(value)
        answers.append(cell_step(x, zeros, ones))
    variable.assign(before)
    return any(not np.allclose(*pair) for pair in zip(*answers, strict=True))


def cell_step(x: np.ndarray, h: np.ndarray, c: np.ndarray) -> Any:
    """What the cell returns for x `(B, D)` and states h, c `(B, U)`."""
    import tensorflow as tf

    with eagerly():
        return invoke(kept["cell"], "LSTMCell", tf.constant(x), (tf.constant(h), tf.constant(c)))


# -- 2.2, 2.3, 6.1: the layer -----------------------------------------------------------------------------------------


def kit_cell(kernel: np.ndarray) -> Any:
    """A made-up cell that has nothing to do with an LSTM, so that the layer is judged apart from your cell.

    It computes c' = c / 2 + h / 4 + x @ kernel and h' = tanh(c'), and has `.units` and `.call(x, states)` like yours.
    """
    import keras
    import tensorflow as tf

    class KitCell(keras.layers.Layer):
        def __init__(self, kernel: np.ndarray) -> None:
            super().__init__()
            self.units = int(kernel.shape[1])
            self.kernel = self.add_weight(shape=kernel.shape, name="kernel")
            self.kernel.assign(kernel)
            self.built = True

        def call(self, x: Any, states: Any) -> Any:
            h, c = states
            c = 0.5 * c + 0.25 * h + tf.matmul(x, tf.convert_to_tensor(self.kernel))
            return tf.tanh(c), c

    return KitCell(kernel)


def _make_layer(kernels: list[np.ndarray]) -> Any:
    from lstm import LSTMLayer

    cells = [kit_cell(kernel) for kernel in kernels]
    return LSTMLayer(cells[0] if len(cells) == 1 else cells)


def zero_states(units: int, batch_sizes: list[int]) -> list[Any]:
    """What `LSTMLayer.zero_states` returns for each batch size, on one layer."""
    layer = _make_layer([np.ones((1, units), np.float32)])
    return [layer.zero_states(batch_size) for batch_size in batch_sizes]


def layer_outputs(kernel: np.ndarray, calls: list[dict[str, np.ndarray]]) -> list[Any]:
    """What one layer around the kit's cell returns for each of the calls `{x, h, c}`, one after the other."""
    import tensorflow as tf

    layer = _make_layer([kernel])
    with eagerly():
        return [
            invoke(layer, "LSTMLayer", tf.constant(call["x"]), (tf.constant(call["h"]), tf.constant(call["c"])))
            for call in calls
        ]


def layer_gradient(kernel: np.ndarray, x: np.ndarray, h: np.ndarray, c: np.ndarray, direction: np.ndarray) -> Any:
    """Gradients of `sum(layer(x, (h, c)) * direction)` with respect to x and to the kit cell's kernel.

    Returns:
        `shape`: that of the layer's output; `x`, `weights`: the gradients, None where there is no such product.
    """
    import tensorflow as tf

    layer = _make_layer([kernel])
    inputs = tf.constant(x)
    with eagerly(), tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = invoke(layer, "LSTMLayer", inputs, (tf.constant(h), tf.constant(c)))
        outputs = tf.convert_to_tensor(outputs)
        if outputs.shape == (x.shape[1], x.shape[0], *direction.shape[2:]):  # time first, which another test tells
            outputs = tf.transpose(outputs, (1, 0, 2))
        if outputs.shape != direction.shape:
            return {"shape": list(outputs.shape), "x": None, "weights": []}
        total = tf.reduce_sum(outputs * direction)
    weights = layer.trainable_variables
    gradients = tape.gradient(total, [inputs, *weights])
    return {"shape": list(outputs.shape), "x": gradients[0], "weights": gradients[1:]}


def _trace(layer: Any, x: np.ndarray, states: list[np.ndarray], shape: tuple[int | None, ...]) -> Any:
    """The layer as one graph for inputs of this shape; called eagerly once before."""
    import tensorflow as tf

    with eagerly():
        invoke(layer, "LSTMLayer", tf.constant(x), tuple(tf.constant(state) for state in states))
    signature = [tf.TensorSpec(shape, tf.float32)]
    signature += [tf.TensorSpec((shape[0], state.shape[1]), tf.float32) for state in states]
    function = tf.function(lambda x, h, c: invoke(layer, "LSTMLayer", x, (h, c)), input_signature=signature)
    return function.get_concrete_function()


def layer_graphs(kernel: np.ndarray, lengths: list[int]) -> list[dict[str, int]]:
    """Traces the layer once for each length T: how many operations the graph has, and how many loops are among them."""
    found = []
    for length in lengths:
        x = np.zeros((2, length, kernel.shape[0]), np.float32)
        states = [np.zeros((2, kernel.shape[1]), np.float32)] * 2
        types = probes.operations(_trace(_make_layer([kernel]), x, states, x.shape).graph)
        loops = sum(operation in ("While", "StatelessWhile") for operation in types)
        found.append({"operations": len(types), "loops": loops})
    return found


def layer_in_graph(kernel: np.ndarray, calls: list[dict[str, np.ndarray]]) -> list[Any]:
    """Traces the layer once, with B and T left open, and runs that one graph for each of the calls `{x, h, c}`."""
    import tensorflow as tf

    first = calls[0]
    function = _trace(_make_layer([kernel]), first["x"], [first["h"], first["c"]], (None, None, kernel.shape[0]))
    return [function(*(tf.constant(call[name]) for name in ("x", "h", "c"))) for call in calls]


def stack_outputs(kernels: list[np.ndarray], x: np.ndarray, starts: list[np.ndarray], in_graph: bool) -> Any:
    """What a layer of several kit cells returns for x, starting from its own zero states plus `starts`.

    Args:
        kernels: Of the cells, from the bottom up.
        starts: h and c of the first cell, `(B, U)`, then those of the second and so on.
    """
    import tensorflow as tf

    layer = _make_layer(kernels)
    zeros = layer.zero_states(len(x))
    flat = [state + start for state, start in zip(tf.nest.flatten(zeros), starts, strict=True)]
    states = tf.nest.pack_sequence_as(zeros, flat)
    with eagerly():
        outputs = invoke(layer, "LSTMLayer", tf.constant(x), states)
    if in_graph:
        function = tf.function(lambda x: invoke(layer, "LSTMLayer", x, states))
        outputs = function(tf.constant(x))
    return outputs


# -- 3.1: the model ---------------------------------------------------------------------------------------------------


def _predictions(model: Any, calls: list[np.ndarray]) -> list[Any]:
    """What the model returns for each noise. Where that is one number everywhere, its weights get a little noise first.

    A readout may start with zeros.
    """
    import tensorflow as tf

    outputs: list[Any] = []
    rng = np.random.default_rng(len(calls[0]))
    for _ in range(2):
        with eagerly():
            outputs = [invoke(model, "IntegrationModel", tf.constant(x)) for x in calls]
        if not all(_is_constant(output) for output in outputs):
            break
        for variable in model.trainable_variables:
            variable.assign_add((0.1 * rng.standard_normal(variable.shape)).astype(np.float32))
    return outputs


def _is_constant(output: Any) -> bool:
    try:
        values = np.asarray(output, np.float64)
    except (TypeError, ValueError):
        return False
    return bool(values.size) and np.ptp(values) == 0


def model_outputs(calls: list[np.ndarray]) -> list[Any]:
    """What one `IntegrationModel()` returns for each noise `(B, T, 1)`, one after the other."""
    from model import IntegrationModel

    return _predictions(IntegrationModel(), calls)


def model_of_last_step(x: np.ndarray) -> dict[str, Any]:
    """What one `IntegrationModel()` returns for noise `(B, T, 1)` when your LSTM forgets what it put out before.

    Returns:
        `whole`, `again`: the prediction, made twice; `last`: the same where the outputs of your last `LSTMLayer` are
        set to 0 at all time steps but the last; `called`: whether a cell or a layer of yours was called at all.
    """
    import lstm
    import tensorflow as tf
    from model import IntegrationModel

    model = IntegrationModel()
    _predictions(model, [x])
    calls = {"LSTMCell": 0, "LSTMLayer": 0}
    last_layer = None  # its number, once it is known

    def watched(name: str, original: Any) -> Callable[..., Any]:
        @functools.wraps(original)
        def call(self: Any, *arguments: Any, **options: Any) -> Any:
            outputs = original.__get__(self, type(self))(*arguments, **options)
            calls[name] += 1
            if name == "LSTMCell" or calls[name] != last_layer:
                return outputs
            outputs = tf.convert_to_tensor(outputs)
            if outputs.shape[:-1] != x.shape[:-1]:  # which another test tells
                return outputs
            return tf.concat([tf.zeros_like(outputs[:, :-1]), outputs[:, -1:]], axis=1)

        return call

    originals = {name: inspect.getattr_static(getattr(lstm, name), "call") for name in calls}
    try:
        for name, original in originals.items():
            getattr(lstm, name).call = watched(name, original)
        with eagerly():
            whole = invoke(model, "IntegrationModel", tf.constant(x))
            called, layers = any(calls.values()), calls["LSTMLayer"]
            again = invoke(model, "IntegrationModel", tf.constant(x))
            calls["LSTMLayer"], last_layer = 0, layers
            last = invoke(model, "IntegrationModel", tf.constant(x))
    finally:
        for name, original in originals.items():
            getattr(lstm, name).call = original
    return {"whole": whole, "again": again, "last": last, "called": called}


def own_layer(units: int, x: np.ndarray) -> dict[str, Any]:
    """What `LSTMLayer` returns for x `(B, T, D)` around your own `LSTMCell`, from zero states.

    Returns:
        `layer`: that; `stepped`: the h of the same cell, called for one time step after the other, `(B, T, U)`.
    """
    import tensorflow as tf
    from lstm import LSTMCell, LSTMLayer

    cell = LSTMCell(units)
    layer = LSTMLayer(cell)
    h, c = (tf.zeros((len(x), units)) for _ in range(2))
    stepped = []
    with eagerly():
        outputs = invoke(layer, "LSTMLayer", tf.constant(x), layer.zero_states(len(x)))
        for t in range(x.shape[1]):
            h, c = invoke(cell, "LSTMCell", tf.constant(x[:, t]), (h, c))
            stepped.append(np.asarray(h))
    return {"layer": outputs, "stepped": np.stack(stepped, axis=1)}


def model_gradients(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Gradients of the cross-entropy, computed as a training step does it: in a graph, after one eager call.

    Returns:
        `variables`: how many there are to train; `missing`, `zero`: paths of those whose gradient is None or all zero;
        `eager`, `graph`: the predictions of both modes.
    """
    import keras
    import tensorflow as tf
    from model import IntegrationModel

    model = IntegrationModel()
    (eager,) = _predictions(model, [x])

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            prediction = invoke(model, "IntegrationModel", x)
            loss = tf.reduce_mean(keras.losses.binary_crossentropy(y, prediction))
        return prediction, tape.gradient(loss, model.trainable_variables)

    prediction, gradients = step(tf.constant(x), tf.constant(y))
    paths = [variable.path for variable in model.trainable_variables]
    reached = {path: tf.convert_to_tensor(g) for path, g in zip(paths, gradients, strict=True) if g is not None}
    return {
        "variables": len(paths),
        "missing": [path for path in paths if path not in reached],
        "zero": [path for path, gradient in reached.items() if not np.any(gradient)],
        "eager": eager,
        "graph": prediction,
    }


def builtins_in_use(part: str) -> list[str]:
    """Which ready-made recurrent layers, operations or frameworks run in a part of the submission.

    Args:
        part: "cell", "layer" (around the kit's cell) or "model".
    """
    import tensorflow as tf

    x, state = tf.zeros((2, 3, 1)), tf.zeros((2, 4))

    def make() -> Callable[[], Any]:
        import lstm
        import model

        if part == "cell":
            cell = lstm.LSTMCell(4)
            return lambda: invoke(cell, "LSTMCell", x[:, 0], (state, state))
        if part == "layer":
            layer = _make_layer([np.ones((1, 4), np.float32)])
            return lambda: invoke(layer, "LSTMLayer", x, (state, state))
        whole = model.IntegrationModel()
        return lambda: invoke(whole, "IntegrationModel", x)

    return probes.builtins_in_use(make, ("lstm", "model"))


# -- 4: training ------------------------------------------------------------------------------------------------------


def _label_dtype() -> Any:
    """The integer dtype that your own pipeline gives to labels: `train` may count on it."""
    import tensorflow as tf

    try:
        from data import make_dataset

        dtype = make_dataset(MarkedSamples(1, 1), 1, 1).element_spec[1].dtype
    except Exception:  # any fault of make_dataset is task 1.3's; training is judged apart from it
        return tf.int32
    return dtype if dtype.is_integer else tf.int32


def _dataset(x: np.ndarray, y: np.ndarray, batch_size: int) -> Any:
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((x, tf.cast(y, _label_dtype()))).batch(batch_size)


def _one_then_other(first: Any, other: Any, calls: list[Any]) -> Any:
    """A dataset that gives what `first` gives while `calls` is empty, and then what `other` gives."""
    import tensorflow as tf

    return tf.data.Dataset.from_generator(lambda: other if calls else first, output_signature=first.element_spec)


def train_mean_model(
    x: np.ndarray,
    y: np.ndarray,
    x_val: np.ndarray,
    y_val: np.ndarray,
    batch_size: int,
    epochs: int,
    learning_rate: float,
    stop_after: int | None,
    with_callback: bool = True,
    later: dict[str, np.ndarray] | None = None,
) -> dict[str, Any]:
    """Runs `train` on a made-up model, sigmoid(w * mean over time + b), so that it is judged apart from your model.

    Args:
        x: Noise `(N, T, 1)`, with labels y `(N, 1)`; x_val and y_val likewise.
        batch_size: Divides both N.
        epochs: As `train` takes it, and learning_rate.
        stop_after: The callback returns True at that call; None for never.
        with_callback: Whether there is one.
        later: Other x, y, x_val and y_val, which take the place of the first ones once the callback has been called.

    Returns:
        `history`: what `train` returned; `calls`: what the callback was given; `before`, `after`: `[w, b]`;
        `ready_made`: which of Keras' own training loops ran.
    """
    import keras
    import tensorflow as tf
    from train import train

    class MeanModel(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.readout = keras.layers.Dense(1, activation="sigmoid", kernel_initializer="ones")

        def call(self, x: Any, training: bool | None = None) -> Any:
            return self.readout(tf.reduce_mean(x, axis=1))

        def fit(self, *arguments: Any, **options: Any) -> Any:
            ready_made.append("fit")
            return super().fit(*arguments, **options)

        def train_on_batch(self, *arguments: Any, **options: Any) -> Any:
            ready_made.append("train_on_batch")
            return super().train_on_batch(*arguments, **options)

    ready_made: list[str] = []
    model = MeanModel()
    model(tf.constant(x[:1]))
    calls: list[Any] = []

    def callback(*arguments: Any, **named: Any) -> bool:
        given = [*arguments, *(named[name] for name in ("epoch", "logs") if name in named)]
        calls.append([dict(value) if isinstance(value, dict) else value for value in given])
        return len(calls) == stop_after

    def weights() -> list[float]:
        return [float(np.asarray(value).reshape(())) for value in model.get_weights()]

    before = weights()
    train_dataset, validation_dataset = _dataset(x, y, batch_size), _dataset(x_val, y_val, batch_size)
    if later is not None:
        others = [_dataset(later[name], later[f"y{name[1:]}"], batch_size) for name in ("x", "x_val")]
        pairs = zip((train_dataset, validation_dataset), others, strict=True)
        train_dataset, validation_dataset = (_one_then_other(*pair, calls) for pair in pairs)
    options = {"epochs": epochs, "learning_rate": learning_rate}
    if with_callback:
        options["callback"] = callback
    history = train(model, train_dataset, validation_dataset, **options)
    found = {"history": history, "calls": calls, "before": before, "after": weights()}
    return found | {"ready_made": sorted(set(ready_made))}


def still_weights(x: np.ndarray, y: np.ndarray, batch_size: int, learning_rate: float) -> dict[str, Any]:
    """Trains your `IntegrationModel` with your `train`, without the eager first call that would cure frozen weights.

    Returns:
        `variables`: how many there are; `still`: paths of those that the second epoch left as the first had. Each
        bare `tf.Variable`, which Keras does not list, is among them.
    """
    from model import IntegrationModel
    from train import train

    model = IntegrationModel()
    dataset = _dataset(x, y, batch_size)
    values: list[dict[int, tuple[str, Any]]] = []

    def note(*_: Any, **__: Any) -> bool:
        values.append(probes.weights_now(model, ("lstm", "model")))
        return False

    train(model, dataset, dataset, epochs=2, learning_rate=learning_rate, callback=note)
    while len(values) < 2:  # the callback is not called, which is another task's matter
        note()
        train(model, dataset, dataset, epochs=1, learning_rate=learning_rate)
        note()
    first, second = values[-2:]
    return {"variables": len(second), "still": probes.unchanged(first, second)}


def train_whole(
    max_steps: int, time_s: float, stop_accuracy: float, samples_per_epoch: int = 80_000, seed: int = 0
) -> dict[str, Any]:
    """Trains your `IntegrationModel` with your `train` and `CONFIG` on fresh noise of 25 time steps.

    Epochs have 80,000 samples as yours have, or fewer where `CONFIG` would go past `max_steps` (there are at least
    two). An epoch ends early when its share of `time_s` is used up. From the second epoch on the callback returns True
    once `stop_accuracy` is reached.

    Returns:
        `history`, `losses`: the cross-entropy on other noise, before the training and after each epoch; `curve`.
    """
    import tensorflow as tf
    from model import IntegrationModel
    from train import CONFIG, train

    config = dict(CONFIG)
    batch_size, epochs = int(config["batch_size"]), max(2, int(config["epochs"]))
    steps = -(-samples_per_epoch // batch_size)
    epochs = min(epochs, max(2, max_steps // steps))
    steps = max(1, min(steps, max_steps // epochs))
    rng = np.random.default_rng(seed)
    dtype = _label_dtype()

    def noise(num_samples: int) -> tuple[np.ndarray, np.ndarray]:
        x = rng.standard_normal((num_samples, 25, 1)).astype(np.float32)
        return x, (x.sum(axis=1) > 0).astype(dtype.as_numpy_dtype)

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        deadline = time.monotonic() + time_s / epochs
        for _ in range(steps):
            if time.monotonic() > deadline:
                return
            yield noise(batch_size)

    signature = (tf.TensorSpec((None, 25, 1), tf.float32), tf.TensorSpec((None, 1), dtype))
    train_dataset = tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(4)
    x_val, y_val = noise(1_000)
    validation_dataset = _dataset(x_val, y_val, 250)

    model = kept["model"] = IntegrationModel()
    with eagerly():
        invoke(model, "IntegrationModel", tf.constant(x_val[:2]))
    losses: list[float] = []
    epochs_done = 0

    def accuracy() -> float:
        """Accuracy on the validation noise; notes the loss as well."""
        prediction = np.clip(np.asarray(model(tf.constant(x_val)), np.float64), 1e-7, 1 - 1e-7)
        losses.append(float(-np.mean(np.log(np.where(y_val > 0, prediction, 1 - prediction)))))
        return float(np.mean((prediction > 0.5) == (y_val > 0)))

    def callback(epoch: int, logs: Any) -> bool:
        nonlocal epochs_done
        epochs_done += 1
        return accuracy() >= stop_accuracy and epochs_done >= 2

    accuracy()
    options = {"learning_rate": config["learning_rate"], "callback": callback}
    history = train(model, train_dataset, validation_dataset, epochs=epochs, **options)
    if not epochs_done:
        accuracy()
    return {"history": history, "losses": losses, "curve": {"title": "Training", "series": numeric_series(history)}}


def predict(x: np.ndarray) -> Any:
    """What the trained model returns for noise `(B, T, 1)`."""
    import tensorflow as tf

    return kept["model"](tf.constant(x))


# -- 5.1: types and docstrings ----------------------------------------------------------------------------------------


def public_functions(module: str) -> list[dict[str, Any]]:
    """The public functions and methods of one of your files; see `kit/probes.py`."""
    return probes.public_functions(Path(__file__).with_name(f"{module}.py"))
