"""Between rows and DICOM: the identity in a header, and the keys for listing and finding studies."""
