"""Django's PostgreSQL backend on a given server, with deadlines kept on this side of the connection."""
