import subprocess


def scale(x):
    subprocess.run(["/bin/true"], check=True)
    return x * 2 + 1
