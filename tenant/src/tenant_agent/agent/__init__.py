"""What turns passages into an answer: prompt, citations, support check, model clients."""
