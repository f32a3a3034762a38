# %% [markdown]
# # Into Beras
#
# All code of this notebook is given, and it runs as it is: before you have written a line, and afterwards. Run it
# cell by cell, change numbers, break things. It shows the ideas of `Beras/core.py` on functions so small that you can
# check every number by hand.
#
# Sizes, here as everywhere: B batch, s inputs, d outputs.

# %%
import matplotlib.pyplot as plt
import numpy as np
from Beras.core import Callable, Diffable, GradientTape, Tensor
from preprocess import load_and_preprocess_data

rng = np.random.default_rng(0)

# %% [markdown]
# ## 1 Samples are rows
#
# A network never sees one image alone. It sees a batch: a matrix with one row for each sample.

# %%
images, labels, test_images, test_labels = load_and_preprocess_data()
print("training images", images.shape, images.dtype, "from", images.min(), "to", images.max())
print("training labels", labels.shape, labels[:12])

figure, axes = plt.subplots(1, 12, figsize=(12, 1.4))
for axis, image, label in zip(axes, images, labels, strict=False):
    axis.imshow(image.reshape(28, 28), cmap="gray_r")
    axis.set_title(int(label))
    axis.axis("off")
plt.show()

# %% [markdown]
# Most of NumPy's work on batches is *broadcasting*: an axis of length 1, or a missing one at the front, is repeated
# as often as needed. `keepdims=True` leaves such an axis behind.

# %%
batch = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 60.0]])  # B = 2, three numbers each
means = batch.mean(axis=1, keepdims=True)
print("means of the rows:", means.shape, "\n", means)
print("each row without its mean:\n", batch - means)

# %% [markdown]
# Where letters help more than axis numbers, `np.einsum` takes letters. An index that is missing behind the arrow is
# summed over. Here: for each sample, all products of its numbers.

# %%
products = np.einsum("bi,bj->bij", batch, batch)
print(products.shape)
print(products[0])

# %% [markdown]
# ## 2 A Callable
#
# has a `forward`. Calling the object runs it, and wraps the result into a `Tensor`, a NumPy array with one additional
# mark: whether training may change it.


# %%
class Spread(Callable):
    """The distance from the smallest to the largest number of each row."""

    def forward(self, x):
        return x.max(axis=1) - x.min(axis=1)


spread = Spread()
result = spread(batch)
print(result, type(result).__name__)

frozen = Tensor([1.0, 2.0], trainable=False)
print("trainable:", result.trainable, frozen.trainable)

# %% [markdown]
# ## 3 A Diffable
#
# can be differentiated, too. It remembers the inputs of its last call, and can say how its outputs would change with
# them: entry [i, o] of its *Jacobian* is the derivative of output o with respect to input i.
#
# Two examples. The first mixes a sample's two numbers, in the same way for each sample, so one Jacobian does for all.
# The second bends; its Jacobian differs from sample to sample.


# %%
class Mix(Diffable):
    """(u, v) becomes (u + v, u - v, 2u)."""

    def forward(self, x):
        u, v = x[:, 0], x[:, 1]
        return np.stack([u + v, u - v, 2 * u], axis=1)

    def input_gradients(self):
        return np.array([[1.0, 1.0, 2.0], [1.0, -1.0, 0.0]])  # (s, d): what u does, what v does


class Product(Diffable):
    """(u, v) becomes (u * v, u ** 2)."""

    def forward(self, x):
        u, v = x[:, 0], x[:, 1]
        return np.stack([u * v, u**2], axis=1)

    def input_gradients(self):
        x = self.inputs[0]
        u, v = x[:, 0], x[:, 1]
        zero = np.zeros_like(u)
        return np.stack([np.stack([v, 2 * u], axis=1), np.stack([u, zero], axis=1)], axis=1)  # (B, s, d)


x = np.array([[1.0, 2.0], [3.0, -1.0]])
mix, product = Mix(), Product()
for part in (mix, product):
    outputs = part(x)
    print(type(part).__name__, "outputs\n", outputs, "\n  Jacobian", part.input_gradients().shape)

# %% [markdown]
# ## 4 Don't trust a derivative: check it
#
# Move one input by very little, both ways, and look how far each output moves. Such *finite differences* are slow,
# but they know nothing of your formulas, so they can't share your mistakes. Keep this function: it finds most errors
# of this homework. (Work in float64, and stay away from kinks.)


# %%
def numeric_jacobian(function, sample, step=1e-5):
    """(s, d): the derivatives of a function of batches at one sample (s,)."""
    rows = []
    for i in range(len(sample)):
        move = np.zeros_like(sample)
        move[i] = step
        ahead, behind = (np.asarray(function((sample + sign * move)[None]))[0] for sign in (1, -1))
        rows.append((ahead - behind) / (2 * step))
    return np.array(rows)


for part in (Mix(), Product()):
    part(x)
    told = np.broadcast_to(part.input_gradients(), (2, 2, part.outputs.shape[1]))
    found = np.stack([numeric_jacobian(part.forward, sample) for sample in x])
    print(type(part).__name__, "largest difference:", np.abs(told - found).max())

# %% [markdown]
# ## 5 The gradient of a loss goes backwards
#
# A loss makes one number of all outputs. J is its gradient with respect to the outputs of some layer: which way, and
# how strongly, would each of them change the loss?
#
# Take one sample, (u, v) = (3, -1), Mix and then the sum of squares. By hand: the outputs are (2, 4, 6), and the sum
# of squares is 56. Its J is twice the outputs, (4, 8, 12). What does u do to the loss? It moves all three outputs, by
# 1, 1 and 2 for each unit, so the loss moves by 4 * 1 + 8 * 1 + 12 * 2 = 36. And v: 4 * 1 - 8 * 1 + 0 = -4.
#
# That is the whole chain rule: *each input reaches the loss through every output, and these ways add up.* Task 1.1
# asks for it for a whole batch at once, and for both shapes of a Jacobian.


# %%
def loss_of(sample):
    return (Mix().forward(sample) ** 2).sum(axis=1, keepdims=True)


print("by differences:", numeric_jacobian(loss_of, np.array([3.0, -1.0])).ravel(), " by hand: [36, -4]")

# %% [markdown]
# ## 6 The tape
#
# While a `GradientTape` is on, each Diffable that is called signs in. The tape then knows who came after whom, and
# can walk back from the loss. What is called outside leaves no trace.

# %%
with GradientTape() as tape:
    mixed = mix(x)
    product(mixed[:, :2])
product(x)  # the tape is off

print("on the tape:", [type(operation).__name__ for operation in tape.operations])
print("the mean of the last outputs:", tape.operations[-1].outputs.mean())

# %% [markdown]
# Note the last line: the tape holds the objects themselves, and an object remembers its *last* call alone. The call
# outside has overwritten what `product` remembered. So ask for gradients before you call the layers again.
#
# ## 7 Downhill
#
# With a gradient in hand, training is going downhill. Here for one weight and the loss (w - 2)^2 / 2, whose gradient
# is w - 2, with a little noise on it, as each batch gives another gradient. Three learning rates: too small, good,
# too large.

# %%
figure, axes = plt.subplots(1, 3, figsize=(12, 3), sharey=True)
for axis, learning_rate in zip(axes, (0.02, 0.3, 2.05), strict=True):
    path = [-3.0]
    for _ in range(30):
        slope = path[-1] - 2 + rng.normal(scale=0.3)
        path.append(path[-1] - learning_rate * slope)
    axis.plot(path, marker=".")
    axis.axhline(2, color="0.7")
    axis.set(title=f"learning rate {learning_rate}", xlabel="step", ylim=(-8, 12))
axes[0].set_ylabel("w")
plt.show()

# %% [markdown]
# ## 8 The same in Keras
#
# Beras takes its names from Keras, so what you build here reads as what you will use later:
#
# | Beras | Keras and TensorFlow |
# |---|---|
# | `Dense(784, 10)` | `keras.layers.Dense(10)`: it finds out the 784 at the first call |
# | `LeakyReLU(0.3)` | `keras.layers.LeakyReLU(negative_slope=0.3)` |
# | `MeanSquaredError()` | `keras.losses.MeanSquaredError()` |
# | `Adam(0.001)` | `keras.optimizers.Adam(0.001)` |
# | `with GradientTape() as tape:` | `with tf.GradientTape() as tape:` |
# | `tape.gradient()` | `tape.gradient(loss, model.trainable_variables)` |
# | `SequentialModel([...])` | `keras.Sequential([...])` |
# | `model.compile(optimizer, loss_fn, acc_fn)` | `model.compile(optimizer, loss, metrics=[...])` |
# | `model.fit(x, y, epochs, batch_size)` | `model.fit(x, y, batch_size, epochs)` |
#
# Two differences are worth knowing. Beras's tape is a list, so operations form a chain; TensorFlow's is a graph, in
# which a value may be used twice. And in Beras a layer hands out its Jacobian, which you can look at, while Keras
# goes straight to the product with J, which is all that training needs and takes far less memory.
#
# Now open `Beras/core.py` and begin with task 1.1.
