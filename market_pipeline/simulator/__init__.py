"""The simulated exchange: a server that speaks each source's exact wire format."""
