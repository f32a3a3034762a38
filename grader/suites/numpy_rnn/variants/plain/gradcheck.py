import numpy as np
import rnn


def rnn_gradient_check(
    model: dict,
    x: np.ndarray,
    y: np.ndarray,
    init_state: np.ndarray,
    h: float = 1e-5,
    error_threshold: float = 1e-4,
    bptt_fn=rnn.bptt,  # : a function
) -> dict:
    """Entry by entry with np.nditer. bptt_fn (callable)."""
    gradients = bptt_fn(model, x, y, init_state, clip=None)[0]
    worst = {}
    for pname in ["Wxh", "Whh", "Why", "bh", "by"]:
        parameter = model[pname]
        worst[pname] = 0.0
        it = np.nditer(parameter, flags=["multi_index"], op_flags=["readwrite"])
        while not it.finished:
            ix = it.multi_index
            original_value = parameter[ix]
            parameter[ix] = original_value + h
            plus = rnn.rnn_forward(x, y, model, init_state)[3]
            parameter[ix] = original_value - h
            minus = rnn.rnn_forward(x, y, model, init_state)[3]
            parameter[ix] = original_value
            estimated = (plus - minus) / (2 * h)
            backprop = gradients[pname][ix]
            error = np.abs(backprop - estimated) / max(np.abs(backprop) + np.abs(estimated), 1e-8)
            if error > error_threshold:
                print("Gradient Check ERROR: parameter=%s ix=(%s)" % (pname, ", ".join(str(i) for i in ix)))
            worst[pname] = max(worst[pname], error)
            it.iternext()
    return worst
