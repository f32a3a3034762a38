"""What people and programs read of a graded submission: HTML, the terminal, JSON."""
