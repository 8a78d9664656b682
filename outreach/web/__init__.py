"""The pages and links that readers meet; plain Starlette routes."""
