"""What users see, over real sockets: a folder for each topic."""
