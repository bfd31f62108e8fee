"""Tests of the stack of local processes, without the servers themselves."""
