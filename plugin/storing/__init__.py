"""Between Orthanc's storage and the intake: hooks, the archive port, catching up."""
