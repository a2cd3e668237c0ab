"""The EHR bridge without Orthanc: imports and tests on its own."""
