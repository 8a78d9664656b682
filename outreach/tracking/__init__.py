"""Tokens and counts: who asked for a link, person or machine? Pure."""
