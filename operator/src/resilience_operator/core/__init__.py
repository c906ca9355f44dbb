"""Pure decisions: frozen values and `now` in, frozen values out. No I/O, no clock."""
