"""What came back? Pure: a server's words become a verdict."""
