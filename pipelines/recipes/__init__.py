"""Programs that made what the package ships, and peers' scripts; not in the wheel."""
