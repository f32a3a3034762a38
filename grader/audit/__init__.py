"""Holds a suite to account: every wrong variant fails at its named tests, every right one earns its tier."""
