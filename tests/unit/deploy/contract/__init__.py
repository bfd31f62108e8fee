"""Tests of the page on which a person reads the contract."""
