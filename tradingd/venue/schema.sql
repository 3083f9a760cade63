-- The paper venue's books. Written in one transaction an operation, before anybody is told.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Never deleted from: a client_order_id is used up for ever.
CREATE TABLE orders (
    id              TEXT PRIMARY KEY,
    client_order_id TEXT NOT NULL UNIQUE,
    symbol          TEXT NOT NULL,
    crypto          INTEGER NOT NULL,
    side            TEXT NOT NULL,
    parent_id       TEXT,
    submitted_at    INTEGER NOT NULL,
    is_open         INTEGER NOT NULL,
    body            BLOB NOT NULL
);
CREATE INDEX orders_by_time ON orders (submitted_at);
CREATE INDEX orders_open ON orders (submitted_at) WHERE is_open = 1;
CREATE INDEX orders_by_parent ON orders (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE executions (
    seq         INTEGER PRIMARY KEY,
    activity_id TEXT NOT NULL UNIQUE,
    ts          INTEGER NOT NULL,
    body        BLOB NOT NULL
);
CREATE INDEX executions_by_time ON executions (ts);

CREATE TABLE positions (
    symbol TEXT PRIMARY KEY,
    body   BLOB NOT NULL
) WITHOUT ROWID;

-- The last price of each held symbol, so that an account is worth the same after a restart.
CREATE TABLE marks (
    symbol TEXT PRIMARY KEY,
    price  TEXT NOT NULL
) WITHOUT ROWID;

-- What the account was worth at the start of each interval.
CREATE TABLE equity (
    interval_ns INTEGER NOT NULL,
    ts          INTEGER NOT NULL,
    equity      TEXT NOT NULL,
    PRIMARY KEY (interval_ns, ts)
) WITHOUT ROWID;

CREATE TABLE bars (
    symbol      TEXT NOT NULL,
    interval_ns INTEGER NOT NULL,
    ts_open     INTEGER NOT NULL,
    open        REAL NOT NULL,
    high        REAL NOT NULL,
    low         REAL NOT NULL,
    close       REAL NOT NULL,
    volume      REAL NOT NULL,
    trades      INTEGER NOT NULL,
    vwap        REAL NOT NULL,
    PRIMARY KEY (symbol, interval_ns, ts_open)
) WITHOUT ROWID;
