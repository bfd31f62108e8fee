"""The promises, proved on whole services: real processes, a real broker, a real database, a real mail server."""
