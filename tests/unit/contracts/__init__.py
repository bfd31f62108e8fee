"""Tests of the contract: the envelope, the requests and facts, the schemas and samples."""
