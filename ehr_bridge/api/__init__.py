"""The REST API: one WSGI application, testable and explorable without Orthanc."""
