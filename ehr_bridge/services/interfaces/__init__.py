"""Other systems that speak with this one: modalities and their worklist."""
