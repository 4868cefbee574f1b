"""Tests of deploy/: units, container files, PostgreSQL as Dagster's storage, the runbook."""
