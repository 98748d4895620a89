"""Programs that show pygorums at work."""
