"""Calendars that exchange_calendars lacks: one module and one dated holiday file each, named by the exchange's MIC."""
