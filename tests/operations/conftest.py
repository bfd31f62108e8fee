"""One stack in containers for all tests of this folder."""

from tests.containers.conftest import stack

__all__ = ["stack"]
