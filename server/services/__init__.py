"""Use cases, one a folder of files; what every story uses stands beside them. No Flask here."""
