"""Providers that tell by webhook what became of mail: each request is verified, then read into reports like any other.

A provider that signs (SES by SNS, SendGrid, Mailgun) is believed by its signature, Postmark by the secret in its URL.
Every provider's own words are mapped onto ours in a table that can be seen; where it passes on what the server said,
that is judged by the verdict table, as answers at send time are.
"""
