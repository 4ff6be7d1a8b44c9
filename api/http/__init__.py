"""HTTP mechanics: connections, bodies, problem documents, the OpenAPI document."""
