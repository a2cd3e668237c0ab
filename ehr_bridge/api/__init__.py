"""The REST API: one WSGI application that runs without Orthanc, for tests and for trying it out."""
