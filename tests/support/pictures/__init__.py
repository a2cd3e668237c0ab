"""The pictures of the pages in docs/images, made anew from a server with demo data (scripts/pictures)."""
