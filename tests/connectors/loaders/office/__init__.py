"""Small office files, books and mails as their common programs write them."""
