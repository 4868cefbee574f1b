"""Runs start warm: a process that has imported the project forks one child a run (docs/decisions/011-warm-launcher.md).

`keeper` (started by `market-pipeline up`) keeps one `zygote` alive; `warm_launcher` is what dagster.yaml names.
"""
