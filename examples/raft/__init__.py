"""A replicated key-value store on Raft. README.md says what it promises, how to run it, and how it is checked."""
