"""Tests that need no server and take seconds."""
