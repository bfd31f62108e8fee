"""Tests of the `instroom` command on real servers, with real services."""
