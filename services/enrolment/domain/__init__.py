"""The rules of enrolling: pure, synchronous, without clock or chance.

`values` says what is kept, `edition` how an edition is read, `request` what is asked. `rules` are the reasons for
refusal in their order, `places` gives and takes seats, `promotion` serves the waiting lists, `publishing` takes in an
edition. `facts` and `sentences` put the outcome into events and words. All of them see the store as a `Register`.
"""
