"""Dagster components: what a market file becomes in Dagster."""
