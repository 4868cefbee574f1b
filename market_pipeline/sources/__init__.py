"""Who reports: one module per source. Each builds requests, fetches through the transport, and parses bytes purely."""
