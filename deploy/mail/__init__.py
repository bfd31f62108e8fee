"""Mails that nobody gets: kept by a mail server for development (`sink`), read (`box`), and shown to a person (`page`).

Owns a directory of `.eml` files. Both kinds of stack run it as a process of its own: `python -m deploy.mail.sink`.
"""
