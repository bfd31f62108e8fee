"""The kit that checks other systems, as others have it."""
