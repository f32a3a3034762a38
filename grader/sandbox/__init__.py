"""Runs a submission in a process of its own, out of reach of tests, answers and results.

Start at `box`: it chooses the tier and hands out workers. `zygote` forks them, `worker` is what runs inside,
`jail` and `seccomp` take its powers away, `wire` and `calls` are what crosses the pipe.
"""
