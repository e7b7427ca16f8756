"""Statistics of a sweep: functions of arrays and tables. They do not depend on pages."""
