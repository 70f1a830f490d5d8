"""The rules, a file for each part of the contract; each registers its own when it is imported."""
