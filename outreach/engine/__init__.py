"""What runs by itself: the sender and the clock."""
