"""The three services; none imports another, they speak through events (instroom_contracts) only."""
