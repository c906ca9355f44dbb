from hypothesis import settings

# A loaded machine is no counterexample.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
