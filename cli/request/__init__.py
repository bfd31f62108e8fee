"""Asking for places and giving them up: many at once out of a table (`spreadsheet`), and the `command`."""
