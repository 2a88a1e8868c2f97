"""What do runs say? Tables, figures and studies of finished runs."""
