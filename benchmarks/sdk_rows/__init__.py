"""What ``sdk.py`` measures, one function a row."""
