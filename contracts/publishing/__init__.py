"""What the contract's published forms are made and checked with; not part of the package that integrators install.

Owns the judgement of a changed schema (`compatibility`), what is published and may not break (`published`), the
generated files of the JavaScript package (`javascript`), and the AsyncAPI document (`asyncapi`).
"""
