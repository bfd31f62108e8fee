"""What integrators begin with: the examples and the page about them, on a real stack."""
