"""Other systems that speak with this one: modalities and their worklist, and what FHIR clients look for."""
