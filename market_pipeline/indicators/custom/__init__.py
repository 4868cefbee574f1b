"""Your own indicators: each module here is found by itself. Copy zscore.py, change the formula, run the tests."""
