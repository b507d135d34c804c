//! From totals to a document to text, ESC/POS, image, PDF, CSV and JSON.
