"""What every route stands on: access, problems, schemas, the document."""
