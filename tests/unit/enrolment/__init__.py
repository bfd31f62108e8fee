"""The enrolment service without servers: its handlers and rules on a store in memory."""
