"""Evals: cases in, predictions judged one by one against curated truth, figures out.

Gold labels live here and nowhere else: an arm is handed an `agent.Case` and nothing more.
"""
