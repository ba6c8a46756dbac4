"""PostgreSQL: pool, migrations, named queries, repositories."""
