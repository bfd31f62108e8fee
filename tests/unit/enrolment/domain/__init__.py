"""The rules of enrolling."""
