"""From SQLite to PostgreSQL: our tables and Orthanc's index, row by row; the images stay where they are."""
