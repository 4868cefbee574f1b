"""The `market-pipeline` command: one module per verb."""
