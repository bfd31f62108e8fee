"""Tests of what is done with a message in quarantine."""
