"""Tests of accounts and servers as deploy/ sets them up."""
