"""Bytes out: how a message leaves for the relay."""
