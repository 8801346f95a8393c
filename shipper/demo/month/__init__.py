"""A month of a bicycle shop's bot, made up: what it was like, said as data, and logged as anybody's calls are.

::

    story.py     what happens: releases, prompts, the outage
    rhythm.py    when people write
    texts.py     what they write, and what is answered
    answers.py   one call as OpenAI's API has it
    opinions.py  what people and checks say of it
    plan.py      the month: a pure function of seed, end, days and number of calls
    road.py      log it, join it, take it away again
"""
