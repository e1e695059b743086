"""Making vectors of all languages comparable."""
