"""What the EHR says anew of patients and orders, and taking it back."""
