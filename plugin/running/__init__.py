"""Everything that runs inside Orthanc: composition, worker, self-test, logs."""
