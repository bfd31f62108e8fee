"""Tests of what an integrator's account may do."""
