"""A knowledge base in a PostgreSQL database: one API, any number of writers and readers."""
