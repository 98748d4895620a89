"""Paxos for one decision. README.md says what it promises, how to run it, how it is checked."""
