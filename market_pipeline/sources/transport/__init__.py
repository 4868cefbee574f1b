"""How requests go out and answers come in: sessions, budgets, retries, breakers, proxies. Knows no source."""
