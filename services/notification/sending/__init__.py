"""Sending: the queue of mails in the database, who takes from it, and the conversation with the mail server."""
