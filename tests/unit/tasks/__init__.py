"""What is done in turns of the event loop and in tasks, without anything to carry."""
