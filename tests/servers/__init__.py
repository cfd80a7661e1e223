"""Run the tests that touch Redis on other servers: several versions of Redis, and Valkey.

python -m tests.servers                         # the newest and the oldest, and what is installed here
python -m tests.servers --quick redis-6.2       # the store, and workers that lose their server
python -m tests.servers /opt/redis/redis-server # any other program
"""
