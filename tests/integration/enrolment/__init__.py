"""The enrolment service's decisions on a real database."""
