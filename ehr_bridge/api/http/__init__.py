"""What all routes share: access, problems, schemas, the OpenAPI document."""
