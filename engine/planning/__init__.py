"""Which layers go where, pure: safe memory, memory needs, cost model, policies. No clock, no randomness, ties broken by order.

May import llama_cpp, vocabulary, errors.
"""
