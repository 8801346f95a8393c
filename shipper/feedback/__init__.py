"""Joining: what became known of a call later is merged into its document.

`merge` and `amend` say what a completion holds once events are known, `plan` where and when to look for it; all
three are pure. `joiner` does what they say, through `requests`.
"""
