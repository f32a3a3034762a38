"""One submission -> `SubmissionResult`: the judge, its pytest plugin, and scoring."""
