"""A call becomes one record: from a spool entry to the document that the store keeps. Imports nothing else of ours.

::

    entry ─▶ build ─▶ completion ─▶ envelope      times, ids, application
                   │              ├ openai.detect which API, which provider
                   │              ├ openai.*      request and response into one form (`reading`)
                   │              ├ request, response, context   that form into fields
                   │              └ oneliner      the line that a person reads
                   └▶ feedback    feedback and amendments
"""

from shipper.record.build import build
from shipper.record.privacy import strip_content

__all__ = ["build", "strip_content"]
