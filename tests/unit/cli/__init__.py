"""Tests of the `instroom` command without servers."""
