"""What an index promises about its vectors, and the prompts of model families."""
