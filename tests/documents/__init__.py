"""That what the documents say of the project is so: links, paths, rooms, folders, the numbers of behaviours."""
