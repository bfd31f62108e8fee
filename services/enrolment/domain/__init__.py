"""The rules of enrolling: pure, synchronous, without clock or chance.

`edition` says how an edition is read, `request` what is asked; `seats`, `enrolment` and `parked` are what is kept,
under `ids` that follow from what they name. `rules` are the reasons for refusal in their order, `places` seats a
party or has it wait, `promotion` serves the waiting lists, `withdrawal` and `endings` have people leave, `publishing`
takes in an edition, and `pools` houses its sessions. What any of them decides about a place is done by `transitions`,
and by nothing else; `availability` tells what filled or reopened. `facts` and `sentences` put the outcome into events
and words. All of them see the store as a `Register`.
"""
