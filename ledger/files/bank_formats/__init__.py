"""Bank formats as data: one template per format, one engine that reads and writes by them."""
