"""What the product does, one folder per wing. Takes ids and facts, writes rows, knows neither HTTP nor Orthanc."""
