"""What the contract's published forms are made and checked with; not part of the package that integrators install.

Owns the generated files of the JavaScript package (`javascript`).
"""
