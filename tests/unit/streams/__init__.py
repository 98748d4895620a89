"""What one stream is made of; where it takes another end, that is in memory, and is the test."""
