"""What is remembered? The only room that speaks SQL: a noun's table and queries in one file."""
