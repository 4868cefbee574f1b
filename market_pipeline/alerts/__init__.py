"""Alerts: what is wrong, told once, with a message when it is over. The health sensor drives them."""
