"""`/docs`: the OpenAPI document as a page that needs no script and no other server."""
