"""The data of the System page: state, problems, restarts."""
