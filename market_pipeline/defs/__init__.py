"""One folder per market with its defs.yaml, and platform for what belongs to none."""
