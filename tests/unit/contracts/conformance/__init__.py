"""One test for each MUST of CloudEvents 1.0.2 and of the NL GOV profile, named by the rule.

contracts/CONFORMANCE.md lists the rules with these tests, what does not apply, and what departs. `test_sdk` holds
reading and writing against the CloudEvents project's own SDK.
"""
