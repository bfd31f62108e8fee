"""What is kept: the kinds of document, how they are found and guarded, and how the rules see them."""
