"""Gradescope: the bundle that it runs, the results that it shows, and a preview of both on this machine."""
