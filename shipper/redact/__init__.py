"""Secrets and personal data are found and replaced before anything is written. Pure: no I/O, no clock.

::

    redactor  ─▶ tree      the strings of a call as one text, and back
              ─▶ secret assigned carried     credentials by their form, their name, their surroundings
              ─▶ mail numbers network        personal data; numbers ─▶ payment national phone ─▶ checksums
              ─▶ named                       names and places, by a model of the user's
              ─▶ spans                       what was found, settled

Time is linear in the text: every pattern begins at a character or sign that is rare, is bounded or can't backtrack,
and no place is looked at again because a search nearby failed.
"""

from __future__ import annotations

from shipper.redact.named import names_and_places
from shipper.redact.redactor import Finder, Redacted, Redactor
from shipper.redact.spans import PERSONAL, SECRETS, Span

__all__ = ["PERSONAL", "SECRETS", "Finder", "Redacted", "Redactor", "Span", "names_and_places"]
