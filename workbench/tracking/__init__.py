"""The store: runs go to MLflow and come back as tidy tables. The only importer of mlflow."""
