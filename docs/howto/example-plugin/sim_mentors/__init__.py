"""Mentors for startups: a policy, and the process of learning on which it acts."""

from sim_mentors.learning import Learning
from sim_mentors.policy import Mentors

__all__ = ["Learning", "Mentors"]
