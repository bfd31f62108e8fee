"""The tests of Instroom: unit, integration, end to end, the examples for integrators, faults, and the benchmark."""
