"""Article + recipient -> bytes. Pure: no database, no network, no clock."""
