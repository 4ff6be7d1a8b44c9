"""The fifteen steps of a verification: functions of what they name, in the order of the report."""
