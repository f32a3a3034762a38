import threading

threading.stack_size(64 << 10)


def scale(x):
    done = threading.Event()
    for _ in range(5000):
        threading.Thread(target=done.wait, daemon=True).start()
    return x * 2 + 1
