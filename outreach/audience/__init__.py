"""Who? Pure: rows of files, filters, consent; no database, no file, no clock."""
