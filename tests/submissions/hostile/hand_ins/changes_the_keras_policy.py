import tensorflow as tf

tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
tf.keras.backend.set_floatx("float64")
tf.config.run_functions_eagerly(True)
tf.keras.utils.set_random_seed(1)


def scale(x):
    return x * 2 + 1
