"""Where a record goes, decided from the record alone: no clock, no client, so that a retry hits the same place.

`intake` is the same for what did not come from the shipper: the text of a message to documents and their places, as
Logstash does it.
"""

from shipper.route.destination import MAX_ID_BYTES, Destination, Partition, destination
from shipper.route.enrich import enrich
from shipper.route.intake import Routed, intake
from shipper.route.slug import slug

__all__ = ["MAX_ID_BYTES", "Destination", "Partition", "Routed", "destination", "enrich", "intake", "slug"]
