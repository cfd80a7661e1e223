"""How each service is made to fail: by its server's own means if it has them, by the proxy otherwise."""
