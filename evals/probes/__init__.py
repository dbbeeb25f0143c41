"""Probes: does a model know the cases by heart, so that its figures on them say less?"""
