"""The tests of Instroom: unit, integration, end to end, faults, and the benchmark."""
