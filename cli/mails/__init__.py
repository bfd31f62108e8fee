"""Mails that wait for a person: which they are and what sends them after all (`unsent`), and the `command`."""
