"""The three queries of contract section 6 run as they stand on PostgreSQL, and on SQLite with only
the time of the first rewritten."""

import json

LOGS = """
    SELECT COUNT(*) AS total,
           SUM(CASE WHEN processed = true THEN 1 ELSE 0 END) AS successful,
           SUM(CASE WHEN is_duplicate = true THEN 1 ELSE 0 END) AS duplicates
    FROM webhook_logs WHERE created_at > {yesterday};
"""
DAYS = """
    SELECT DATE(transaction_date) AS date, COUNT(*) AS count, SUM(amount) AS total_amount
    FROM payments WHERE status = 'COMPLETED' GROUP BY DATE(transaction_date) ORDER BY date DESC;
"""
FAILED = """
    SELECT * FROM webhook_logs WHERE processed = false AND is_duplicate = false
    ORDER BY created_at DESC;
"""
YESTERDAY = {"sqlite": "datetime('now', '-24 hours')", "postgresql": "NOW() - INTERVAL '24 hours'"}


def test_the_monitoring_queries_answer_on_both_databases(kelly, database_url):
    kelly("customer", "create", "Ann", "--id", "CUST-001")
    bodies = [
        {"TransID": f"QGK12XYZ{n}{n}", "TransAmount": "0.10", "TransTime": f"2026020{day}000500"}
        for n, day in enumerate((3, 3, 4))
    ]
    for body in bodies:
        body.update(BusinessShortCode="174379", BillRefNumber="CUST-001")
    bodies += [bodies[0], {**bodies[0], "TransID": "QGK12XYZ99", "BillRefNumber": "NOBODY"}]
    assert kelly("webhook", "ingest", "-", stdin=json.dumps(bodies)).code == 3

    dialect = database_url.partition(":")[0]
    logs = LOGS.format(yesterday=YESTERDAY[dialect])
    assert [tuple(map(int, row)) for row in run(database_url, logs)] == [(5, 3, 1)]
    found = run(database_url, DAYS)
    days = [(str(day), count, round(float(total), 2)) for day, count, total in found]
    assert days == [("2026-02-04", 1, 0.1), ("2026-02-03", 2, 0.2)]
    assert len(run(database_url, FAILED)) == 1


def run(url, query):
    """Run a query the way an operator does: with the database's own program's driver."""
    if url.startswith("sqlite"):
        import sqlite3
        from contextlib import closing

        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            return connection.execute(query).fetchall()
    import psycopg

    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()
