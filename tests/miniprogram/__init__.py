"""The mini-program is whole: what its pages name exists, its types and its services hold."""
