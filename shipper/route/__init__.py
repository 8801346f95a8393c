"""Where a record goes, decided from the record alone: no clock, no client, so that a retry hits the same place."""

from shipper.route.destination import Destination, aliases, destination
from shipper.route.slug import slug

__all__ = ["Destination", "aliases", "destination", "slug"]
