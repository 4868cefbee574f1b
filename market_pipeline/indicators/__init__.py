"""The indicator room: a catalogue as data, the engine that computes it on bars, and functions of our own. Pure."""
