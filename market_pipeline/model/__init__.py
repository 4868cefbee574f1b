"""The vocabulary: frozen values that travel between the parts. No I/O, no clock, no settings."""
