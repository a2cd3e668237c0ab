"""What the OpenAPI document says beside the routes: bodies of bytes, words, refusals."""
