"""Out of the store: documents as files for other programs.

::

    plan     what is asked for        formats   ndjson, csv, parquet, and pages made of these:
    run      store → parts → file       finetune batch spans ◀─ messages
    parts    resumes after a kill     private   without content, or redacted
    packing  gzip, zstd               figures   an index without content
"""

from shipper.export.plan import Plan
from shipper.export.run import Summary, export, export_to_stream

__all__ = ["Plan", "Summary", "export", "export_to_stream"]
