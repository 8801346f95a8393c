"""What the panels show, for a terminal, a program, or one HTML file.

::

    selection.py   which span of time, which calls
    units.py       values and changes as people read them
    shape.py       a panel's rows as a figure, series over time, bars or a table
    terminal.py    these in characters
    documents.py   the documents behind them
    comparison.py  two versions against each other, with intervals
    pair.py        these in characters, too
    as_json.py     the rows for programs
    html.py        the page; charts.py its charts, page.css its look
"""
