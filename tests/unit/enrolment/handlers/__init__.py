"""What each handler does around the rules, on a store in memory."""
