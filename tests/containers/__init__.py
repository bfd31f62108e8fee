"""The stack in containers, as an operator runs it; these tests need a Docker engine (`make test-containers`)."""
