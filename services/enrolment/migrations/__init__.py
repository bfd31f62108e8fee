"""What is done at a start about what earlier releases stored: each may be broken off anywhere, and repeated."""
