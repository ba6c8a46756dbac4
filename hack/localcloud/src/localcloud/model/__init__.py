"""A Gemini-compatible model server whose answers are deterministic and can be checked.

Embeddings are real (a multilingual encoder that ships inside a package); answers are extracted,
not generated: that is enough to prove retrieval, citations, streaming, accounting and error
handling of a client, and it says nothing about how well a large model writes.
"""

from localcloud.model.server import RunningModel, start_model
from localcloud.model.settings import ModelSettings

__all__ = ["ModelSettings", "RunningModel", "start_model"]
