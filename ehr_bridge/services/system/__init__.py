"""The System page: what is well, what is not, how often the server was started."""
