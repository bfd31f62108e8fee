"""What is done about each thing that is heard; nothing is sent here."""
