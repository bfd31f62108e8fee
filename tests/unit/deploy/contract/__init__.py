"""The generated contract and its page."""
