def scale(x):
    print("\x1b[2J\x1b]0;owned\x07<script>alert(1)</script>\u202e\r" * 3)
    raise ValueError("\x1b[2J<script>alert(1)</script>\u202e[bold red]" + "A" * 50_000_000)
