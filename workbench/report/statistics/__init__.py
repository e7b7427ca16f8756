"""Statistics of a sweep: functions of arrays and tables, which know of no page."""
