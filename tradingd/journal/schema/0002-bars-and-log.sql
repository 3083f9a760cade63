-- What only the database keeps: bars seen live, and the lines of the structured log.

CREATE TABLE bars (
    symbol TEXT NOT NULL,
    interval_ns INTEGER NOT NULL,
    ts_open INTEGER NOT NULL,
    open REAL NOT NULL,
    high REAL NOT NULL,
    low REAL NOT NULL,
    close REAL NOT NULL,
    volume REAL NOT NULL,
    PRIMARY KEY (symbol, interval_ns, ts_open)
) WITHOUT ROWID;

CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    ts INTEGER NOT NULL,
    level TEXT NOT NULL,
    event TEXT NOT NULL,
    strategy_id TEXT,
    client_order_id TEXT,
    line TEXT NOT NULL
);
CREATE INDEX log_by_time ON log (ts);
