"""Grades homework on recurrent networks: student code never runs in the process that judges it."""
