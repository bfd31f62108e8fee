"""Tests of the AsyncAPI document, as it is generated."""
