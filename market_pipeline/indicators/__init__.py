"""The indicator room: a catalogue of data, an engine, and the user's own functions."""
