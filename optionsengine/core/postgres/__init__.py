"""Django's PostgreSQL backend on the checkout's own server."""
