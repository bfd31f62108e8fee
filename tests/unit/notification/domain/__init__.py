"""The rules of mailing."""
