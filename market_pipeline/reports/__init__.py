"""Daily and weekly reports of a market: figures of its sessions → a report → a page in Markdown or HTML. Pure."""
