"""The history of a root: a page of all nights, and the same as a table and for machines."""
