"""The suite in here is run by `nox -s plugins`, as a user's is: beside other plugins, with no conftest of ours."""

collect_ignore_glob = ["suite/*"]
