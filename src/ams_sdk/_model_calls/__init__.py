"""``model_call``: a call of a model, recorded by hand.

It knows the shapes of many providers, so it loads when it is asked for.
"""

from ams_sdk._model_calls.model_call import ModelCall, model_call

__all__ = ["ModelCall", "model_call"]
