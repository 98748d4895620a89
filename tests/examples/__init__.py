"""The examples, run as programs, and the programs that README and guide show."""
