"""The chassis on a real MongoDB and a real RabbitMQ."""
