"""From what a student handed in to a clean, read-only folder; nothing of the student's is run or imported here."""
