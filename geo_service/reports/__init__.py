"""Results as documents: JSON now, spreadsheets and text documents later."""
