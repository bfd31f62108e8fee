"""Tests of what other tests stand on, with real servers."""
