"""What `python -m pygorums.top` makes of what servers say."""
