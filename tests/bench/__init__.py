"""The benchmark: speed and memory of Instroom, beside two references on the same servers in the same run.

`make bench` prints tables and JSON and writes `build/bench.json`; `python -m tests.bench --profile` shows where the
enrolment service's time goes. The measures take turns, since a machine's speed drifts, and medians are compared:

- `bare_loop`: what an AMQP client in Python can do when nothing is decided and nothing is stored;
- `textbook`: FastStream and MongoDB as their own guides show them, one transaction per request;
- `spread`: one enrolment process, requests over 500 editions by turns;
- `rush`: one enrolment process, all requests for one session of 20 seats.
"""
