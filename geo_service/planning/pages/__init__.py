"""The data of single pages of the console."""
