"""Another right solution: moments in dicts by position."""

from __future__ import annotations

import numpy as np


class BasicOptimizer:
    """Gradient descent."""

    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def apply_gradients(self, weights, grads):
        """In place."""
        for weight, grad in zip(weights, grads, strict=True):
            for place in range(len(weight)):
                weight[place] -= self.learning_rate * grad[place]


class RMSProp:
    """Hinton's."""

    def __init__(self, learning_rate, beta=0.9, epsilon=1e-6):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v = {}

    def apply_gradients(self, weights, grads):
        """In place."""
        for i, (weight, grad) in enumerate(zip(weights, grads, strict=True)):
            v = self.v.get(i, 0.0)
            self.v[i] = self.beta * v + (1 - self.beta) * grad**2
            weight -= self.learning_rate * grad / (np.sqrt(self.v[i]) + self.epsilon)


class Adam:
    """Kingma and Ba's."""

    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.m = {}
        self.v = {}
        self.t = 0

    def apply_gradients(self, weights, grads):
        """In place."""
        self.t += 1
        for i, (weight, grad) in enumerate(zip(weights, grads, strict=True)):
            self.m[i] = self.beta_1 * self.m.get(i, 0.0) + (1 - self.beta_1) * grad
            self.v[i] = self.beta_2 * self.v.get(i, 0.0) + (1 - self.beta_2) * np.square(grad)
            m_hat = self.m[i] / (1 - self.beta_1**self.t)
            v_hat = self.v[i] / (1 - self.beta_2**self.t)
            weight -= self.learning_rate * m_hat / (np.sqrt(v_hat) + self.epsilon)
