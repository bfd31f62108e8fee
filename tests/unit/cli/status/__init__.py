"""Tests of what the status is made of."""
