"""Outreach: an article becomes responsive mail, goes to a list, and every delivery and click is accounted for.

The house, floor by floor (a floor imports only what lies below it; rooms joined by ``|`` do not import each other)::

    cli -> demo -> wiring -> materials -> house -> web | engine | config -> actions
        -> store | transport | inbox | probes
        -> message | audience | timing | replies | tracking | diagnosis -> language -> address | log | memory -> errors

``demo`` is a room of its own above ``wiring``: it starts the same parts as production plus a catcher and a
mailbox page, and nothing below may know that it exists. ``materials`` says of what mail and pages are made here, where
``wiring`` puts running parts together. ``house`` opens an installation (settings, database and secret
key), so that a command that only asks the database does not load what sends and serves. ``probes`` asks the world
(DNS, web servers, a spam filter) and writes nothing; what the answers mean, ``diagnosis`` says, which asks nobody.
``language``, ``log`` and ``memory`` are single files that every room may use: the words for readers, the one form of a
line in the log, and how a long-lived process treats its memory.
"""

__version__ = "0.1.0"
