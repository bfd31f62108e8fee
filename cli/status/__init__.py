"""What runs, how full it is, and what waits: the figures (`overview`), the services' `health`, and the `command`."""
