"""The edge towards AWS: settings, clients, delivery."""
