"""Sessions that outlive broken streams: both ends count what they take, and say so when they meet again."""
