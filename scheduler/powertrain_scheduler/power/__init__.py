"""What devices draw: the catalogue of published figures, and the model that turns them into watts."""
