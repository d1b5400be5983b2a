"""What the crash tests are made of.

cluster     a private PostgreSQL, started, killed and reaped by pid
producers   sessions that write all the time, whatever happens to the server
jobs        the jobs under test, each with the batch query that says what is right
series      kills, and the account of what each life did
oracle      the end: everything drained, outputs compared with the batch queries
"""
