"""``rag-engine train``: models that know one's own languages and subjects better."""
