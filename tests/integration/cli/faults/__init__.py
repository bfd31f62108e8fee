"""Faults for the audit to find, planted into real data: one at least for every promise.

`planting` says what a fault is, and has people enrol in whose data it is planted. Faults are in what the services keep
(`kept`) or in what they do (`done`), and can be taken back; or they were told (`told`), and stand for good.
"""
