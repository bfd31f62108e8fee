"""What each mail says: the words of a language, letters, calendar entries, and the message that a server takes."""
