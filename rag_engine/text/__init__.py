"""Languages, sentences, chunks and lexical terms."""
