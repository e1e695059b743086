"""Pictures as passages: where their vectors and thumbnails lie, and how probable a picture is."""
