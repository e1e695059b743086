"""``rag-engine synthesize``: a knowledge base becomes examples to train on."""
