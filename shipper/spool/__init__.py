"""The spool: what was logged lies here as bytes until the store has confirmed it.

::

    <home>/spool/<instance>/           one folder a process
        writer.lock                    held by the process that writes, as long as it lives
        drain.lock                     held by whoever sends what lies here
        process.json                   who wrote it
        000001.ndjson …                segments: one event a line, appended
        ledger.json                    confirmed position and counts, replaced atomically by the drainer
        dropped.json                   what the writer had to drop, by reason
    <home>/spool/finished/<instance>.json   the last ledger of a process of which everything is decided
    <home>/spool/refused/<instance>.ndjson  dead letters that no store would take
"""
