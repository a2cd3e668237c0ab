"""Between Orthanc's HTTP server and the API: the gate, bodies, routes, pages."""
