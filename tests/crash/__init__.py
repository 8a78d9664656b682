"""The crash test: senders are killed again and again, and a server that is never killed says what it was given."""
