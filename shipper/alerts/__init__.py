"""When to tell somebody: rules as data, looked at from a command line or by Kibana.

::

    rules.py     what a rule is, and how a file of them is read
    measures.py  what each measure asks the store, and what the answer says
    check.py     all rules against a store, several looks each
    notify.py    webhook and mail
    esql.py      the rules for Kibana; put.py puts them there
"""
