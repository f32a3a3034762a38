import os


def scale(x):
    here = os.path.dirname(__file__)
    dump = f'Fatal Python error: x\n\n  File "{here}/a\0b.py", line 1 in f\n  File "{here}/../../job.json", line 1 in f\n'
    os.write(2, dump.encode())
    os.abort()
