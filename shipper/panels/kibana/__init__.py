"""The catalogue as Kibana has it: dashboards for its HTTP API, and saved objects for import. Pure; `make gen` writes it."""
