"""What the connector remembers: SQLAlchemy tables and the functions that read and change them.

Every function takes an open connection, so that callers decide what commits together. No network
call is ever made while one is open. SQLite by default; every query also runs on PostgreSQL.
"""
