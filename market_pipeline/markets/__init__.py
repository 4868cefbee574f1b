"""What a market is: the schema of its file, the loader, and its trading calendar."""
