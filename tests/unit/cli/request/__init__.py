"""Tests of asking for places, from what is typed to the exit code."""
