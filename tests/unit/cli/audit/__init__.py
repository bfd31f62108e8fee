"""Tests of the promises: each has an example that breaks it, and is seen to break."""
