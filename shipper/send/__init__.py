"""The sender: batches from the spool to a sink, until the books balance.

`prepare` (entry → document → bytes, mostly by `forms`) and `backoff` do no I/O; `delivery` decides one batch; `sender`
holds the threads; `adoption` finds what dead processes left; `heartbeat` tells the store how the books stand.
"""
