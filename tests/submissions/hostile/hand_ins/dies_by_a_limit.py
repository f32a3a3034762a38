import resource


def scale(x):
    """A hard limit of processor time ends a process by SIGKILL, as a machine without memory does."""
    resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
    while True:
        pass
