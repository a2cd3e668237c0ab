"""What happens before Orthanc runs: its configuration, secrets, demo data, supervision."""
