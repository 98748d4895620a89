"""The suite. docs/architecture.md says which of the folders a test belongs to, CONTRIBUTING.md how it is run."""
