"""Routes, one file a subject: parse, call a use case, reply."""
