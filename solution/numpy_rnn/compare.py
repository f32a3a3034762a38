"""Trains the three cells one after the other and compares them. Given, nothing to do here.

python compare.py                        with `CONFIG`, on all training images
python compare.py --fraction 0.1         a first look
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import figures
import keras
import matplotlib.pyplot as plt
from classifier import CELLS, RNNSequenceClassifier
from train import CONFIG, load_data, train


def main(arguments: list[str] | None = None) -> None:
    """Prints a table of accuracies and seconds, and draws the validation curves.

    Args:
        arguments: Those after the program's name; None means `sys.argv`.
    """
    parser = argparse.ArgumentParser(description="Compares the vanilla RNN, the GRU and the LSTM.")
    parser.add_argument("--epochs", type=int, default=CONFIG["epochs"], help="default: %(default)s")
    parser.add_argument("--fraction", type=float, default=1.0, help="share of the training images to train on")
    parser.add_argument("--run-dir", type=Path, default=Path("runs/compare"), help="default: %(default)s")
    options = parser.parse_args(arguments)
    data = load_data()
    curves = []
    print(f"{'cell':<6}{'weights':>9}{'epochs':>8}{'seconds':>9}{'test accuracy':>15}")
    for cell in CELLS:
        keras.utils.set_random_seed(1)
        model = RNNSequenceClassifier(cell)
        started = time.monotonic()
        results = train(
            model,
            data["train"],
            data["validation"],
            num_epochs=options.epochs,
            batch_size=CONFIG["batch_size"],
            fraction=options.fraction,
            patience=CONFIG["patience"],
            learning_rate=CONFIG["learning_rate"],
            test_data=data["test"],
        )
        seconds = time.monotonic() - started
        curves.append(results["val_accs"])
        row = f"{cell:<6}{model.count_params():>9,}{len(results['train_losses']):>8}{seconds:>9.1f}"
        print(f"{row}{results['test_acc']:>15.2%}", flush=True)
    options.run_dir.mkdir(parents=True, exist_ok=True)
    axes = figures.plot_multi(curves, CELLS, "validation accuracy")
    figures.save(axes.figure, options.run_dir / "compare.png")
    plt.close("all")
    print(f"compare.png is in {options.run_dir}")


if __name__ == "__main__":
    main()
