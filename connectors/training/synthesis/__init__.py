"""Questions for passages, written by a language model and checked: data to train on."""
