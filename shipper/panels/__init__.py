"""The catalogue: every panel that people look at, defined once, as data.

Kibana's dashboards (`shipper.panels.kibana`), the report and the alerts are all made from it, so that two of them can
never show different numbers under one name.
"""
