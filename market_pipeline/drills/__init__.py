"""Fault drills: the real system against the simulated exchange, a scripted fault, and what must come of it."""
