"""Judging answers against what is known to be true; what comes of it is feedback of kind `evaluator`.

::

    checks    an answer and its truth → a score          (pure)
    truths    what is known to be true of calls          (events of kind ground_truth, or a file)
    run       calls of a query, their truths, the checks → results, sent as feedback
    compare   the scores of two versions → a difference and how sure it is (pure)
"""
