"""The web application, its background worker and the command line of Caiji."""
