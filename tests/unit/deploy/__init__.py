"""Tests of what sets Instroom up and runs it."""
