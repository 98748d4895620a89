"""An atomic register of many writers and readers. README.md says what it promises, how to run it, how it is checked."""
