"""Messages that are no valid events: reading, mending and replaying one (`held`), and the `command`."""
