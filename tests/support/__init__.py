"""What tests on real servers stand on: servers, a place of its own for each test, a mail server, `eventually`.

Servers come from `RABBITMQ_URL` and `MONGO_URL` where these are set (accounts of administrators; the broker's HTTP API
is at `RABBITMQ_MANAGEMENT_URL`, by default port 15672 of the same host), else from containers where a Docker engine
answers and has or gets the images, else they are private processes of this run. They start with the first test that
asks for them, and a run that was killed is cleaned up by the next.

**Isolation**: each test gets a virtual host of its own, with the policies, accounts and permissions of
`deploy/rabbitmq/definitions.json`, and a prefix of its own for databases. Making one takes some 30 ms over RabbitMQ's
HTTP API, against 2 s with its command line. A virtual host keeps exchange and queue names as they are in life, and
whatever a test leaves behind goes with it.

A test asks for the fixture `place`, or `fault_place` where it stops or kills a server.
"""
