"""Fields that documents of several datasets share."""

from shipper.record.fields.kinds import (
    Boolean,
    Date,
    Double,
    Keyword,
    Keywords,
    Long,
    Longs,
    Text,
)
from shipper.record.fields.registry import Document, field


class Envelope(Document):
    """What every document of ours begins with."""

    timestamp: Date = field(
        "@timestamp", "When it happened: a call's start, a feedback's time.", required=True
    )
    event_id: Keyword = field(
        "event.id", "The document's `_id`: a UUIDv7, or the caller's own id.", required=True
    )
    event_kind: Keyword = field("event.kind", "Always `event`.")
    event_dataset: Keyword = field(
        "event.dataset",
        "`llm.completion`, `llm.feedback`, `llm.amendment`, `llm.deadletter` or `llm.delivery`.",
        required=True,
    )
    ecs_version: Keyword = field("ecs.version", "Version of the Elastic Common Schema that the names follow.")
    schema_version: Keyword = field("llm.schema.version", "Version of this contract.")
    message: Text = field(
        "message", "A readable line: the document is an ordinary log record too.", content=True
    )
    log_level: Keyword = field("log.level", "Level of the log record.")
    log_logger: Keyword = field("log.logger", "Name of the logger.")
    application_name: Keyword = field(
        "llm.application.name", "Application as its owner names it; names the index."
    )
    service_name: Keyword = field(
        "service.name", "Service, for everything else in the cluster; the application."
    )
    service_version: Keyword = field(
        "service.version", "The application's released version; names the index."
    )
    service_environment: Keyword = field("service.environment", "Where it runs: prod, staging, …")
    project_id: Keyword = field("llm.project.id", "Project that the application belongs to.")
    host_name: Keyword = field("host.name", "Machine that logged it.")
    process_pid: Long = field("process.pid", "Process that logged it.")
    shipper_version: Keyword = field("llm.shipper.version", "Version of the shipper that logged it.")
    shipper_instance: Keyword = field(
        "llm.shipper.instance", "The logging process, unique over time and machines."
    )
    shipper_sequence: Long = field(
        "llm.shipper.sequence",
        "Number in the process's one sequence over all datasets; a gap is a lost event.",
    )


class Event(Envelope):
    """What arrives through the spool: a completion, a feedback or an amendment."""

    event_created: Date = field(
        "event.created", "Creation time as the caller set it, else when it was logged."
    )
    event_ingested: Date = field("event.ingested", "When it was first sent to the store.")
    content_hash: Keyword = field(
        "llm.content_hash", "Hash of the content; tells a resend from an id used twice."
    )
    join_key: Keywords = field(
        "llm.join.key", "Keys that feedback may use: event id, provider's response id, the caller's own."
    )
    ship_lag_ms: Long = field("llm.ship.lag_ms", "Time from creation to first sending.", unit="ms")
    sanitised: Keywords = field("llm.sanitised", "Paths of what was changed to make it storable, and how.")
    truncated_field: Keywords = field(
        "llm.truncated.field", "Contents that were cut because the event was too large."
    )
    truncated_length: Longs = field("llm.truncated.length", "Their length before the cut.", unit="characters")
    truncated_hash: Keywords = field("llm.truncated.hash", "Their hash before the cut.")
    import_source: Keyword = field("llm.import.source", "Format or system that history was imported from.")
    import_file: Keyword = field("llm.import.file", "File that it was imported from.")
    import_line: Long = field("llm.import.line", "Line in that file, from 1.")
    import_batch_id: Keyword = field("llm.import.batch_id", "Import run.")
    privacy_redacted: Boolean = field(
        "llm.privacy.redacted", "Whether something was redacted before storage."
    )
    privacy_engine: Keyword = field("llm.privacy.engine", "Engine that redacted.")
    privacy_entities: Keywords = field("llm.privacy.entities", "Kinds of personal data that were found.")
    privacy_content_rate: Double = field(
        "llm.privacy.content_rate",
        "Probability with which this call's content was kept, where content is sampled; 1 for errors and slow calls.",
    )
    privacy_content_stored: Boolean = field(
        "llm.privacy.content_stored", "False when content was left out on purpose."
    )
