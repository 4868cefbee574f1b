"""Who reports: one module per source. Each builds requests, fetches through `transport`, and parses bytes purely.

What the sources share for the way out lies in `transport`, what they share to read the answers in `parsing`.
"""
