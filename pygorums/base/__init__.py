"""What everything else stands on: errors, method descriptions, metadata and small pure calculations."""
