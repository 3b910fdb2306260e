"""JSON for the mini-program: thin views, pydantic schemas, OpenAPI."""
