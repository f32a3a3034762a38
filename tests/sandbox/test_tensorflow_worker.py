"""What TensorFlow and Keras need inside the jail, in the zygote's forks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from grader.errors import BadAnswer, NotImplementedYet, StudentRaised
from grader.sandbox.box import JailedBox, WorkerSpec

Submission = Callable[..., WorkerSpec]
Call = Callable[..., Any]

CELL = """
import tensorflow as tf

class LSTMCell(tf.keras.layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.units = units
        self.gates = tf.keras.layers.Dense(4 * units, kernel_initializer="ones", bias_initializer="zeros")

    def call(self, x, states):
        h, c = states
        i, f, o, g = tf.split(self.gates(tf.concat([x, h], axis=-1)), 4, axis=-1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        return tf.sigmoid(o) * tf.tanh(c), c

def f(x, h, c):
    return LSTMCell(h.shape[1])(x, (h, c))
"""


@pytest.fixture
def run(tensorflow_box: JailedBox, submission: Submission, call: Call) -> Callable[..., Any]:
    def ask(source: str, seed: int = 7, **arguments: Any) -> Any:
        spec = replace(submission(source), scratch=True, memory_bytes=3 << 30, scratch_bytes=64 << 20, seed=seed)
        with tensorflow_box.start(spec) as worker:
            return call(worker, **arguments)

    return ask


def test_a_cell_answers_as_the_equations_say(run: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    x, h, c = (rng.normal(size=shape).astype(np.float32) for shape in ((4, 3), (4, 8), (4, 8)))
    gate = np.concatenate([x, h], axis=-1).sum(axis=-1, keepdims=True).astype(float)  # every kernel entry is 1
    sigmoid = 1 / (1 + np.exp(-gate))
    expected_c = sigmoid * c + sigmoid * np.tanh(gate)
    h_new, c_new = run(CELL, x=x, h=h, c=c)
    # float32 against float64: a few ulps of values below 10
    np.testing.assert_allclose(c_new, expected_c, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(h_new, sigmoid * np.tanh(expected_c), rtol=1e-5, atol=1e-5)


def test_seeds_give_the_same_weights_and_another_seed_others(run: Callable[..., Any]) -> None:
    source = """
        import tensorflow as tf
        def f():
            layer = tf.keras.layers.Dense(3)
            layer.build((None, 2))
            return layer.kernel, tf.random.normal((2,))
    """
    (one, noise), (two, same_noise), (other, _) = (run(source, seed=seed) for seed in (1, 1, 2))
    assert one.tobytes() == two.tobytes()
    assert noise.tobytes() == same_noise.tobytes()
    assert one.tobytes() != other.tobytes()


def test_graphs_datasets_training_plots_logs_and_files_work_in_the_jail(run: Callable[..., Any]) -> None:
    source = """
        import os
        import numpy as np
        import tensorflow as tf

        @tf.function
        def total(n):
            result = 0
            for i in tf.range(n):  # AutoGraph reads this source and writes a temp file
                result += i
            return result

        @tf.function(jit_compile=True)
        def compiled(x):
            return tf.sqrt(x)

        def f():
            noise = ((np.float32(i), i % 2) for i in range(32))
            signature = (tf.TensorSpec((), tf.float32), tf.TensorSpec((), tf.int32))
            dataset = tf.data.Dataset.from_generator(lambda: noise, output_signature=signature)
            dataset = dataset.map(lambda x, y: (x[None], y)).shuffle(8).batch(8).prefetch(1)
            model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
            model.compile("adam", "mse")
            history = model.fit(dataset, epochs=1, verbose=2)
            model.save("model.keras")
            again = tf.keras.models.load_model("model.keras")
            tf.train.Checkpoint(model=model).save("checkpoints/step")
            with tf.summary.create_file_writer("logs").as_default():
                tf.summary.scalar("loss", 1.0, step=0)
            import matplotlib.pyplot as plt
            plt.plot(history.history["loss"])
            plt.savefig("loss.png")
            return {
                "total": total(tf.constant(5)),
                "compiled": compiled(tf.constant(9.0)),
                "same": np.array_equal(model.get_weights()[0], again.get_weights()[0]),
                "files": sorted(os.listdir()),
            }
    """
    found = run(source)
    assert (found["total"], found["compiled"], found["same"]) == (10, 3.0, True)
    assert set(found["files"]) >= {"checkpoints", "logs", "loss.png", "model.keras"}


def test_an_open_todo_is_seen_through_keras_and_autograph(run: Callable[..., Any]) -> None:
    source = """
        import tensorflow as tf
        class Cell(tf.keras.layers.Layer):
            def call(self, x):
                raise NotImplementedError("Task 2.1: the cell")
        def f(graph):
            cell = Cell()
            return tf.function(lambda x: cell(x))(tf.ones((1, 1))) if graph else cell(tf.ones((1, 1)))
    """
    for graph in (False, True):
        with pytest.raises(NotImplementedYet, match=r"Task 2\.1 is still open") as caught:
            run(source, graph=graph)
        assert caught.value.task == "2.1"
        assert caught.value.place is not None
        assert (caught.value.place.file, caught.value.place.line) == ("hw.py", 5)


def test_an_error_in_a_graph_names_the_students_line(run: Callable[..., Any]) -> None:
    source = """
        import tensorflow as tf
        @tf.function
        def step(x):
            y = tf.zeros((3, 4))
            return tf.matmul(x, y)
        def f():
            return step(tf.ones((2, 2)))
    """
    with pytest.raises(
        StudentRaised, match=r"^`step` raised ValueError: Dimensions must be equal.*hw.py, line 6"
    ) as caught:
        run(source)
    assert caught.value.place is not None
    assert caught.value.place.code == "return tf.matmul(x, y)"


def test_a_symbolic_tensor_is_no_answer(run: Callable[..., Any]) -> None:
    source = """
        import tensorflow as tf
        kept = []
        @tf.function
        def trace(x):
            kept.append(x)
            return x
        def f():
            trace(tf.ones(2))
            return kept[0]
    """
    with pytest.raises(BadAnswer, match="The answer of `f` holds an object of type SymbolicTensor"):
        run(source)
