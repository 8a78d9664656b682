"""What happens: one verb a file, each owning its transaction, each safe to run twice."""
