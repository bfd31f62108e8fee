"""Systems of others, to be checked: right, or wrong in one way that is named on their command line."""
