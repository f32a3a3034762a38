"""Parts of the grader that run here too, so that its tests behave the same. Nothing to change."""
