"""Wire formats of the simulated exchange: one module per source, pure functions from a call to a reply's bytes."""
