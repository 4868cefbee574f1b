"""Where results are published to, outside this project's own warehouse. Each sink is off until its setting is there."""
