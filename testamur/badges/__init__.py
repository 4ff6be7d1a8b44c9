"""Open Badges, CSV and commitments: the only place that meets personal data."""
