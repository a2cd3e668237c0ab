"""What runs while Orthanc runs: the composition, the worker, self-tests, logs."""
