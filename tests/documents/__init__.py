"""The documents, held against the tree: that what they refer to is there."""
