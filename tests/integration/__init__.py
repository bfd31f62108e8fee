"""Tests on a real broker and a real database, one part of the system at a time."""
