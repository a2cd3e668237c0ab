"""Reading what is stored: lists, search, history, downloads, thumbnails."""
