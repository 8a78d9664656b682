"""When? Pure: schedules, retries, pace; the clock arrives as an argument."""
