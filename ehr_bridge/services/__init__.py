"""What the product does: one module per capability. Takes ids and facts, writes rows, never speaks HTTP or Orthanc."""
