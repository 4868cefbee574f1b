"""Telling people: conditions, their life, and the channels."""
