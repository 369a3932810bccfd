"""The page of a pilot: its plan on one or two sheets, the answer first."""
