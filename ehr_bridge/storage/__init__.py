"""Where the files of images are kept: a folder, or an object store."""
