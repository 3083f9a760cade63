-- The projection of the journal: orders, trades, denials, equity. Money, prices and quantities of the books are TEXT,
-- exact; times are nanoseconds UTC.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE orders (
    client_order_id TEXT PRIMARY KEY,
    venue_order_id TEXT,
    strategy_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    quantity TEXT NOT NULL,
    order_type TEXT NOT NULL,
    limit_price TEXT,
    stop_price TEXT,
    time_in_force TEXT NOT NULL,
    status TEXT NOT NULL,
    filled_quantity TEXT NOT NULL,
    average_price TEXT,
    fees TEXT NOT NULL,
    reject_reason TEXT NOT NULL,
    ts_created INTEGER NOT NULL,
    ts_updated INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX orders_by_time ON orders (ts_created);

CREATE TABLE trades (
    client_order_id TEXT NOT NULL,
    execution_id TEXT NOT NULL,
    venue_order_id TEXT NOT NULL,
    strategy_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    quantity TEXT NOT NULL,
    price TEXT NOT NULL,
    fee TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    ts_event INTEGER NOT NULL,
    PRIMARY KEY (client_order_id, execution_id)
) WITHOUT ROWID;
CREATE INDEX trades_by_time ON trades (ts_event);

CREATE TABLE denials (
    client_order_id TEXT PRIMARY KEY,
    strategy_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    codes TEXT NOT NULL,
    message TEXT NOT NULL,
    ts INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE equity (
    ts INTEGER PRIMARY KEY,
    equity TEXT NOT NULL,
    cash TEXT NOT NULL,
    gross TEXT NOT NULL,
    net TEXT NOT NULL
);
