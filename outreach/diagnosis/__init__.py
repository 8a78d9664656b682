"""What the world answers about a sender, judged: DNS records, links, a spam filter's score. It never asks.

Beside `probes`, which asks and never judges: so every verdict of RFC 7208 (SPF), RFC 6376 (DKIM), RFC 9989 (DMARC) and
RFC 7505 (null MX) is tested with tables, in microseconds and without a network.
"""
