"""The probe: one image, four roles, everything that the env contract promises put to use."""
