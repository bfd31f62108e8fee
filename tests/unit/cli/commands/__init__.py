"""Tests of the commands, from what is typed to the exit code."""
