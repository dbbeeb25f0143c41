"""Views: how much of a case an arm is shown, and exactly what."""
