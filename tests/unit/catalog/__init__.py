"""Tests of the catalogue and of the programmes it is loaded from."""
