"""Other systems that speak with this one: modalities, their worklist, what they report and what they are promised; and
what FHIR clients look for."""
