"""History in: what was logged elsewhere becomes completions and feedback, with true times, prices and join keys.

`sources` open files and cut them into rows, `formats` say what is in a row, `build` makes documents of it on the road
of a logged call, `delivery` brings them to the store, and `checkpoint` knows how far all that has come.
"""

from shipper.history.run import Report, import_history

__all__ = ["Report", "import_history"]
