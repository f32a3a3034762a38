# %% [markdown]
# # Exploring Beras
#
# Experiments with your own Beras, on a part of MNIST so that each takes seconds. E1 to E4 are for everybody, E5 and
# E6 for graduates (2470). Fill in what says TODO, run everything from top to bottom (Kernel, Restart and Run All),
# and hand in the PDF. Answers of three to six sentences are enough; say what you *see* before you say why.
#
# You need tasks 1 to 7 of the README for it.

# %%
import contextlib
import io
import itertools

import matplotlib.pyplot as plt
import numpy as np
from assignment import SequentialModel
from Beras.activations import LeakyReLU, ReLU, Softmax
from Beras.core import Diffable, set_seed
from Beras.layers import Dense
from Beras.losses import CategoricalCrossentropy, MeanSquaredError
from Beras.metrics import CategoricalAccuracy
from Beras.onehot import OneHotEncoder
from Beras.optimizers import Adam, BasicOptimizer, RMSProp
from preprocess import load_and_preprocess_data

x, labels, test_x, test_labels = load_and_preprocess_data()
x, labels, test_x, test_labels = x[:6000], labels[:6000], test_x[:1000], test_labels[:1000]
one_hot = OneHotEncoder()
y, test_y = one_hot(labels), one_hot(test_labels)


def trained(layers, optimizer, loss=None, epochs=5, batch_size=100):
    """Trains these layers; gives the model, its loss after each batch, and its accuracy on the test images."""
    model = SequentialModel(list(layers))
    model.compile(optimizer, loss or MeanSquaredError(), CategoricalAccuracy())
    with contextlib.redirect_stdout(io.StringIO()):
        history = model.fit(x, y, epochs, batch_size)
    return model, history["loss"], model.evaluate(test_x, test_y, 500)["acc"]


def smooth(values, width=10):
    """The running mean, for plots."""
    return np.convolve(values, np.full(width, 1 / width), mode="valid")


# %% [markdown]
# ## E1 Where to start
#
# Train one Dense layer with a LeakyReLU from each of the four initializers, with three seeds each (`set_seed`). Plot
# one loss curve for each initializer, and print the test accuracies.

# %%
figure, axes = plt.subplots(figsize=(7, 3.5))
for name in ("zero", "normal", "xavier", "kaiming"):
    # BEGIN SOLUTION E1
    # HINT For each of three seeds: set_seed(seed), then `trained([...], BasicOptimizer(0.1))`.
    # HINT Plot `smooth(losses)` of the last one, with label=name.
    accuracies = []
    for seed in range(3):
        set_seed(seed)
        _, losses, accuracy = trained([Dense(784, 10, name), LeakyReLU()], BasicOptimizer(0.1))
        accuracies.append(accuracy)
    axes.plot(smooth(losses), label=name)
    print(f"{name:>8}:", ", ".join(f"{accuracy:.3f}" for accuracy in accuracies))
    # END SOLUTION
axes.set(xlabel="batch", ylabel="loss", yscale="log")
axes.legend()
plt.show()

# %% [markdown]
# Which initializers are good here, and which not? How large are the first layer's outputs for each? Why does `zero`
# get along in this model?
#
# <!-- BEGIN SOLUTION E1 -->
# `normal` starts with a loss over a hundred times as large and is still at chance level after five epochs. `xavier`
# and `kaiming` draw over each other: 784 or 794 in the formula makes no difference, and a factor of 2 stands in both.
# `zero` is ahead of all. A sum of 784 inputs, of which about a tenth is on, times weights of deviation 1 has a
# deviation of about 9, where labels are 0 and 1; with `xavier` and `kaiming` it is near 0.5, with `zero` nothing.
# What is drawn at random must be unlearnt first. Zero gets along because one layer has no symmetry to break: each
# output has labels of its own, and the problem is nearly that of linear regression, where any start leads to the same
# valley.
# <!-- END SOLUTION -->

# %% [markdown]
# ## E2 How far to go
#
# Train the same model (`kaiming`) with BasicOptimizer at learning rates from 0.001 to 1, at least six of them, evenly
# spaced on a logarithmic axis. Plot the test accuracy against the learning rate.

# %%
rates = np.logspace(-3, 0, 7)
reached = []
for rate in rates:
    # BEGIN SOLUTION E2
    # HINT The same seed for each, so that the learning rate is all that differs. Append to `reached`.
    set_seed(1)
    reached.append(trained([Dense(784, 10), LeakyReLU()], BasicOptimizer(rate))[2])
    # END SOLUTION
figure, axes = plt.subplots(figsize=(7, 3.5))
axes.plot(rates, reached, marker="o")
axes.set(xscale="log", xlabel="learning rate", ylabel="test accuracy")
plt.show()

# %% [markdown]
# Where is the best learning rate, how wide is the range that is nearly as good, and how do both ends fail?
#
# <!-- BEGIN SOLUTION E2 -->
# The best is near 0.3, and 0.1 is almost as good. On the left training is just not finished after five epochs, since
# the gradient of a mean over ten outputs is small: more epochs would help. On the right the steps overshoot the
# valley in its steepest direction and the loss oscillates, so more epochs would not help.
# <!-- END SOLUTION -->

# %% [markdown]
# ## E3 How to go
#
# Compare your three optimizers on a model with a hidden layer of 64 units. Give each the learning rate that suits it.

# %%
figure, axes = plt.subplots(figsize=(7, 3.5))
optimizers = {"BasicOptimizer": BasicOptimizer(0.2)}
# BEGIN SOLUTION E3
# HINT Put RMSProp and Adam into the dictionary. Try learning rates around 0.001.
optimizers["RMSProp"] = RMSProp(0.001)
optimizers["Adam"] = Adam(0.001)
# END SOLUTION
for name, optimizer in optimizers.items():
    set_seed(2)
    _, losses, accuracy = trained([Dense(784, 64), LeakyReLU(), Dense(64, 10)], optimizer)
    axes.plot(smooth(losses), label=f"{name}: {accuracy:.3f}")
axes.set(xlabel="batch", ylabel="loss", yscale="log")
axes.legend()
plt.show()

# %% [markdown]
# Which one is ahead early, which one late? What happens to each if you make its learning rate ten times as large?
#
# <!-- BEGIN SOLUTION E3 -->
# In the first twenty batches they are alike. From then on Adam is ahead, RMSProp follows with more noise, and
# BasicOptimizer stays behind to the end. Ten times the learning rate makes BasicOptimizer diverge, as its step is
# proportional to the gradient. RMSProp and Adam take steps of about the learning rate whatever the gradient, so at
# 0.01 they are noisier, but go on.
# <!-- END SOLUTION -->

# %% [markdown]
# ## E4 What it has learnt
#
# Train the simple model from the initializer `zero`. Each column of its `w` has 784 numbers: an image of what
# speaks for a digit and what against it. Draw the ten columns as images, with a colour map in which 0 is white.
# Below them, draw the test image of each digit on which its output is largest.

# %%
set_seed(3)
model, _, accuracy = trained([Dense(784, 10, "zero"), LeakyReLU()], BasicOptimizer(0.1), epochs=15)
outputs = np.asarray(model(test_x))
figure, axes = plt.subplots(2, 10, figsize=(12, 2.8))
for digit in range(10):
    # BEGIN SOLUTION E4
    # HINT `model.layers[0].w[:, digit].reshape(28, 28)`, imshow with cmap="RdBu_r" and vmin = -vmax.
    # HINT `outputs[:, digit].argmax()` is the number of the test image.
    weights = np.asarray(model.layers[0].w)[:, digit].reshape(28, 28)
    limit = np.abs(weights).max()
    axes[0, digit].imshow(weights, cmap="RdBu_r", vmin=-limit, vmax=limit)
    axes[1, digit].imshow(test_x[outputs[:, digit].argmax()].reshape(28, 28), cmap="gray_r")
    # END SOLUTION
    for axis in axes[:, digit]:
        axis.axis("off")
plt.show()

# %% [markdown]
# What do you recognise? Why do pixels at the edge of the image look as they do, and what would they look like from
# `kaiming`? Try it.
#
# <!-- BEGIN SOLUTION E4 -->
# For 0 a blue spot in the middle speaks against it, and a red ring around it speaks for it; 1 has a red stroke, 3 and
# 6 their bows. Others are harder to read, as the weights tell a digit from the nine others rather than draw it.
# Pixels at the edge are never on, so their weights never get a gradient and stay what they were at the start: 0. From
# `kaiming` they stay random numbers, and those inside are still mostly the noise of the start.
# <!-- END SOLUTION -->

# %% [markdown]
# ## E5 Depth (2470)
#
# Train networks with 1, 2, 3 and 4 Dense layers of 64 units (the last of 10), Softmax at the end and the
# cross-entropy as the loss: once with ReLU between the layers, once with nothing between them. Print both test
# accuracies for each depth.

# %%
for depth in (1, 2, 3, 4):
    for activation in (ReLU, None):
        # BEGIN SOLUTION E5
        # HINT Build a list of layers: sizes [784, 64, ..., 10], an activation behind all but the last Dense.
        # HINT `trained(layers, Adam(0.001), CategoricalCrossentropy())`.
        set_seed(4)
        sizes = [784, *[64] * (depth - 1), 10]
        layers = []
        for source, destination in itertools.pairwise(sizes):
            layers.append(Dense(source, destination))
            if activation is not None:
                layers.append(activation())
        if activation is not None:
            layers.pop()  # none behind the last
        _, _, accuracy = trained([*layers, Softmax()], Adam(0.001), CategoricalCrossentropy())
        print(f"{depth} layers, {activation.__name__ if activation else 'nothing'} between: {accuracy:.3f}")
        # END SOLUTION

# %% [markdown]
# What does depth bring with activations, and what without? Explain the second by one line of algebra.
#
# <!-- BEGIN SOLUTION E5 -->
# With ReLU the second layer brings three points, further ones next to nothing on so little data. Without activations
# all depths stay within two points of one layer, up or down: (x W1 + b1) W2 + b2 = x (W1 W2) + (b1 W2 + b2), which is
# one Dense layer, only trained along another path.
# <!-- END SOLUTION -->

# %% [markdown]
# ## E6 A feature of your own (2470)
#
# Build one feature that Keras has and Beras lacks, with the names that Keras gives it: dropout, L2 regularisation, a
# learning rate schedule, batch normalisation, a skip connection, another initializer. Check its gradient by finite
# differences if it has one, then compare training with and without it.

# %%
# BEGIN SOLUTION E6
# HINT A layer is a Diffable with `forward` and `input_gradients`. Beras does not tell a layer whether it trains;
# HINT `Diffable.tape is not None` comes close, as long as `batch_step` opens a tape for training alone.


class Dropout(Diffable):
    """Sets a share of its inputs to 0 in training, as keras.layers.Dropout.

    Args:
        rate: The share.
    """

    def __init__(self, rate):
        self.rate = rate
        self.training = True
        self.rng = np.random.default_rng(0)

    def forward(self, x):
        kept = self.rng.random(x.shape) >= self.rate if self.training else np.ones(x.shape, dtype=bool)
        self.scale = (kept / (1 - self.rate) if self.training else kept).astype(x.dtype)
        return x * self.scale

    def input_gradients(self):
        return self.scale

    def compose_to_input(self, J):
        return J * self.scale


def with_dropout(rate):
    """Accuracies on training and test images of a network whose hidden layer drops units at this rate."""
    set_seed(5)
    layers = [Dense(784, 128), ReLU(), Dropout(rate), Dense(128, 10), Softmax()]
    model, _, _ = trained(layers, Adam(0.001), CategoricalCrossentropy(), epochs=15)
    layers[2].training = False
    return [model.evaluate(inputs, truth, 500)["acc"] for inputs, truth in ((x, y), (test_x, test_y))]


# With the mask held, the layer is linear: its differences are those of the mask.
layer = Dropout(0.3)
sample = np.random.default_rng(1).normal(size=(1, 5))
layer(sample)
moves = 1e-5 * np.eye(5)
differences = [((sample + move) * layer.scale - (sample - move) * layer.scale).sum() / 2e-5 for move in moves]
print("largest difference:", np.abs(np.array(differences) - layer.input_gradients()).max())
for rate in (0.0, 0.3, 0.6):
    train_accuracy, test_accuracy = with_dropout(rate)
    print(f"rate {rate}: training {train_accuracy:.3f}, test {test_accuracy:.3f}")
# END SOLUTION

# %% [markdown]
# What did you build, what did you expect of it, and what do you see?
#
# <!-- BEGIN SOLUTION E6 -->
# Dropout. I expected a smaller gap between training and test accuracy, and that is what I see: 5.3 points without it,
# 4 at a rate of 0.3, 2.9 at 0.6. The test accuracy gains half a point at 0.3 and nothing at 0.6, where training is
# not finished after 15 epochs. One seed each, so half a point may be chance.
# <!-- END SOLUTION -->
