"""Between rows and DICOM words: who a header names, and the keys by which studies are listed and found."""
