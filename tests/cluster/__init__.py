"""The cluster in containers while its servers are killed; needs a Docker engine and minutes (`make test-cluster`)."""
