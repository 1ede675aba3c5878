"""Makes the CRDs in crds/ from the pydantic models of `powertrain_operator.api`.

`schema` turns pydantic's JSON schema into the structural OpenAPI v3 that Kubernetes takes,
`crd` puts names, columns and subresources around it, and `python -m crdgen` writes the files
(or, with `--check`, says which of them are not what the models give).
"""
