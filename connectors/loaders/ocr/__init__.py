"""Pages that are pictures, read by Tesseract; one concept a file."""
