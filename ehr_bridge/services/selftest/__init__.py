"""What the command `ehr-bridge selftest` calls its patients, orders and images, and how they are removed again."""
